#ifndef STUB_OT_DATASET_H
#define STUB_OT_DATASET_H
#include <openthread/instance.h>
typedef struct otOperationalDatasetTlvs {
  uint8_t mTlvs[254];
  uint8_t mLength;
} otOperationalDatasetTlvs;
bool otDatasetIsCommissioned(otInstance *instance);
otError otDatasetGetActiveTlvs(otInstance *instance, otOperationalDatasetTlvs *dataset);
otError otDatasetSetActiveTlvs(otInstance *instance, const otOperationalDatasetTlvs *dataset);
#endif
