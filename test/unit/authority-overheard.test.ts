/** What members say to a group, as an authority that listens tells it on: each once, and whose. */
import { toHex } from "../../modules/bytes/hex.js";
import { POST } from "../../modules/coap/options.js";
import { decodeCommand } from "../../modules/lighting/command.js";
import { equal, test } from "../harness.js";
import { APPLICATION } from "../support/authority.js";
import { Listened, ROWS } from "../support/listened.js";

const NOTHING = new Uint8Array(0);

for (const row of ROWS) {
  test(`${row}: each message is told once, with who said it; what is forged is not`, () => {
    const hall = new Listened(row);
    hall.sender(1);
    const { overheard } = hall;
    const first = hall.said(1, 5);
    hall.listener.hear(first);
    hall.listener.hear(first);
    const bent = hall.said(1, 6);
    bent.bytes[bent.bytes.length - 1] ^= 1;
    hall.listener.hear(bent);
    equal(overheard.length, 1);
    hall.listener.hear(hall.said(1, 7));
    hall.look();
    equal(overheard.length, 2);
    const { clientId, appGroup, inner } = overheard[1];
    equal([toHex(clientId), appGroup], [toHex(hall.member(1).id), APPLICATION]);
    equal([inner.code, decodeCommand(inner.payload ?? NOTHING)], [POST, { on: true }]);
  });
}
