import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { countersignData, eddsaHeader } from "../../modules/cose/countersign.js";
import { equal, test } from "../harness.js";

const h = fromHex;
const NONE = new Uint8Array(0);

// cose-wg/Examples countersign1, ToBeSign_hex: the signed bytes of every shape of body.
test("Sig_structure of the COSE countersignature examples", () => {
  const content = utf8("This is the content.");
  const short = {
    context: "CounterSignature0",
    signProtected: NONE,
    externalAad: NONE,
    payload: content,
  } as const;
  // Encrypt-01: over a COSE_Encrypt0.
  const encrypted = "60973a94bb2898009ee52ecfd9ab1dd25867374b162e2c03568b41f57c3cc16f9166250a";
  equal(
    toHex(countersignData({ ...short, bodyProtected: h("a10101"), payload: h(encrypted) })),
    `8571436f756e7465725369676e61747572653043a1010140405824${encrypted}`,
  );
  // signed1-01: over a COSE_Sign1.
  equal(
    toHex(countersignData({ ...short, bodyProtected: h("a201270300") })),
    "8571436f756e7465725369676e61747572653045a20127030040" +
      "4054546869732069732074686520636f6e74656e742e",
  );
  // Enveloped-02: over a recipient, with nothing in it.
  equal(
    toHex(countersignData({ ...short, bodyProtected: NONE, payload: NONE })),
    "8571436f756e7465725369676e61747572653040404040",
  );
  // mac0-01: the full form, as its intermediates have it.
  equal(
    toHex(
      countersignData({
        context: "CounterSignature",
        bodyProtected: h("a10105"),
        signProtected: eddsaHeader(),
        externalAad: NONE,
        payload: content,
      }),
    ),
    "8570436f756e7465725369676e617475726543a1010543a101274054" +
      "546869732069732074686520636f6e74656e742e",
  );
});

// test/vectors: derived.to_be_signed of the case "request-payload" of the three signing profiles.
test("Sig_structure of the shared vectors", () => {
  equal(
    toHex(
      countersignData({
        context: "CounterSignature",
        bodyProtected: h("a304484b65792330aabbcc0641053a000100004125"),
        signProtected: h("a10127"),
        externalAad: h("84014103410c70636f61703a2f2f5b666631353a3a315d"),
        payload: h("b2231836aaf96fc33cbdaa823888dcef2edf"),
      }),
    ),
    "8570436f756e7465725369676e617475726555a304484b65792330aabbcc0641053a00010000412543a10127" +
      "5784014103410c70636f61703a2f2f5b666631353a3a315d52b2231836aaf96fc33cbdaa823888dcef2edf",
    "oscoap-00",
  );
  equal(
    toHex(
      countersignData({
        context: "CounterSignature",
        bodyProtected: NONE,
        signProtected: h("a10127"),
        externalAad: h("86010a412541054344616c40"),
        payload: h("5add1e3c482f8a3316fdfc513ab50b7f05b5b992c234b7"),
      }),
    ),
    "8570436f756e7465725369676e61747572654043a101274c86010a412541054344616c40" +
      "575add1e3c482f8a3316fdfc513ab50b7f05b5b992c234b7",
    "multicast-oscore-04",
  );
  equal(
    toHex(
      countersignData({
        context: "CounterSignature0",
        bodyProtected: NONE,
        signProtected: NONE,
        externalAad: h("8501820a274125410540"),
        payload: h("d2bb0811fcd8b09ccff435fe65bf62f148163f14c11915"),
      }),
    ),
    "8571436f756e7465725369676e61747572653040404a8501820a274125410540" +
      "57d2bb0811fcd8b09ccff435fe65bf62f148163f14c11915",
    "group-oscore-02",
  );
});

test("the header of an EdDSA signer", () => {
  equal(toHex(eddsaHeader()), "a10127");
});
