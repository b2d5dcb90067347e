/**
 * Native help for members' messages as a test wants it: it opens nothing, and says of a datagram
 * what the test told it to say. What is done with its answers is under test (intake-member.ts).
 */
import {
  ANSWER_LEVEL_SHIFT,
  ANSWER_LIGHT,
  ANSWER_MARKED,
  ANSWER_MULTICAST,
  ANSWER_NEWEST,
  ANSWER_ROW_SHIFT,
  type BoundMembers,
  DECLINED,
  type IntakeState,
  RESULT_PLAIN,
} from "../../modules/ports/intake.js";
import { QuickInTypeScript } from "./quick.js";

/** POST, Uri-Path "l", payload. */
const LIGHT = [0x02, 0xb1, 0x6c, 0xff];
const LEVEL = 2;

/** A light command of the member on the first line. */
export interface Told {
  readonly row: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export class FakeMembers extends QuickInTypeScript {
  /** What the next datagram is said to hold; without it the reference has to look. */
  told: Told | undefined = undefined;
  /** Answers to `mark`: marked, left to TypeScript, or refused by flash. */
  way: "marked" | "left" | "refused" = "marked";
  marks = 0;

  bindMembers([, result]: IntakeState): BoundMembers {
    let answer = DECLINED;
    return {
      open: () => {
        answer = this.told === undefined ? DECLINED : write(result, this.told);
        return answer;
      },
      mark: () => {
        this.marks++;
        if (this.way === "refused") return DECLINED;
        return this.way === "marked" ? answer | ANSWER_MARKED : answer;
      },
    };
  }
}

function write(result: ArrayBuffer, { row, sequence, payload }: Told): number {
  new Float64Array(result, 0, 1)[0] = sequence;
  const plain = Uint8Array.of(...LIGHT, ...payload);
  new Uint8Array(result, RESULT_PLAIN).set(plain);
  const level = LEVEL << ANSWER_LEVEL_SHIFT;
  const kind = ANSWER_LIGHT | ANSWER_NEWEST | ANSWER_MULTICAST;
  return plain.length | kind | level | (row << ANSWER_ROW_SHIFT);
}
