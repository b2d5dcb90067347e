import { fromHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { PROXY_SCHEME, URI_HOST, URI_PORT } from "../../modules/coap/options.js";
import { requestOrigin } from "../../modules/coap/uri.js";
import { equal, test } from "../harness.js";

const h = fromHex;
const GROUP = { address: h("ff150000000000000000000000000001"), port: 5683 };

function host(text: string) {
  return { number: URI_HOST, value: utf8(text) };
}

// test/vectors/oscoap-00.json: derived.request_uri of the cases named.
test("the origin of a request, from its destination", () => {
  equal(requestOrigin([], GROUP), "coap://[ff15::1]", "request-payload");
  equal(requestOrigin([], { ...GROUP, port: 61616 }), "coap://[ff15::1]:61616");
  equal(requestOrigin([], { address: h("e00001bb"), port: 5683 }), "coap://224.0.1.187");
  const unicast = { address: h("fd00000000000000020000fffe00000b"), port: 5683 };
  equal(requestOrigin([], unicast), "coap://[fd00::200:ff:fe00:b]", "request-unicast");
});

test("the origin of a request, from its options", () => {
  const port = { number: URI_PORT, value: h("1644") };
  equal(requestOrigin([host("lights.example"), port], GROUP), "coap://lights.example:5700");
  equal(requestOrigin([{ number: URI_PORT, value: h("1633") }], GROUP), "coap://[ff15::1]");
  const scheme = { number: PROXY_SCHEME, value: utf8("coap+tcp") };
  equal(requestOrigin([scheme], GROUP), "coap+tcp://[ff15::1]");
});

test("two requests to different places never have one origin", () => {
  // RFC 7252 section 6.5: beyond ASCII by percent-encoding; RFC 3986: nor a delimiter.
  equal(requestOrigin([host("l\u00fcx")], GROUP), "coap://l%C3%BCx");
  equal(requestOrigin([host("a:5700")], GROUP), "coap://a%3A5700");
  equal(requestOrigin([host("a/b%40")], GROUP), "coap://a%2Fb%2540");
  equal(requestOrigin([host("[ff15::1]")], GROUP), "coap://[ff15::1]");
  equal(requestOrigin([host("[a]:1]")], GROUP), "coap://[a%5D:1]");
});
