#ifndef STUB_OT_DATASET_H
#define STUB_OT_DATASET_H
#include <openthread/instance.h>
typedef struct otExtendedPanId {
  uint8_t m8[8];
} otExtendedPanId;
typedef struct otTimestamp {
  uint64_t mSeconds;
  uint16_t mTicks;
  bool mAuthoritative;
} otTimestamp;
typedef struct otOperationalDataset {
  otTimestamp mActiveTimestamp;
  otExtendedPanId mExtendedPanId;
} otOperationalDataset;
typedef struct otOperationalDatasetTlvs {
  uint8_t mTlvs[254];
  uint8_t mLength;
} otOperationalDatasetTlvs;
bool otDatasetIsCommissioned(otInstance *instance);
otError otDatasetGetActive(otInstance *instance, otOperationalDataset *dataset);
otError otDatasetSetActiveTlvs(otInstance *instance, const otOperationalDatasetTlvs *dataset);
otError otDatasetParseTlvs(const otOperationalDatasetTlvs *tlvs, otOperationalDataset *dataset);
#endif
