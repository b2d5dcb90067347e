import { utf8 } from "../../modules/bytes/utf8.js";
import { equal, test } from "../harness.js";
import { DtlsNet, DtlsPeer } from "../support/dtls.js";

test("PSK handshake", () => {
  const net = new DtlsNet();
  const key = utf8("0123456789abcdef");
  const server = new DtlsPeer(net, 1, { server: { psk: () => key.slice() } });
  const client = new DtlsPeer(net, 2, {});
  client.dtls.connect(server.address, { credentials: { psk: { identity: utf8("me"), key } } });
  net.settle();
  equal([client.drops, server.drops], [[], []]);
  equal([client.ends, server.ends], [[], []]);
  equal(client.opened.length, 1);
  equal(server.opened.length, 1);
  client.connection.send(utf8("ping"));
  net.settle();
  equal(server.data, [utf8("ping")]);
  equal(
    net.sent.map((one) => one.bytes.length),
    [],
  );
});
