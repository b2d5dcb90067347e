/*
 * What work costs in virtual time, so that latencies on the medium are those of a device and the
 * same on every machine.
 *
 * The reference is a Cortex-M4 at 64 MHz (nRF52840) that needs 1.5 cycles an instruction, 23.4 ns
 * each. Instruction counts were taken in QEMU (-icount) with XS 13.3 built for Thumb-2, or on a
 * prototype of the receive path; they have not been measured on hardware.
 *
 * modules/ knows nothing of this: the host charges at the calls it sees. A datagram passes them in
 * the order of the receive path, so each phase is charged where the path comes by, and whatever is
 * output then bears a time that includes everything done before it:
 *
 *   frame delivered   FRAME_IN: MAC, 6LoWPAN, MPL, UDP, outer CoAP header, look-up, window
 *   intake.open       the AEAD by its blocks; QUICK_AFTER when the tag is right: policy, command,
 *                     luminaire
 *   key.open          for what native help declines. OPEN_BEFORE: options, nonce, AAD; the AEAD by
 *                     its blocks; OPEN_AFTER when the tag is right: inner message, access, dispatch
 *   flash.program     STORE plus each word: the bound that has to be durable before acting; by
 *                     native help JOURNAL plus each word
 *   light.show        LIGHT: stamped with all of the above
 *
 * An accepted command comes to 2.5 ms, a duplicate to 0.8 ms, a sent command to 3.3 ms. Not
 * charged: garbage collection (34,000 instructions a collection when the image lies in ROM; it
 * falls between datagrams) and JavaScript run by a timer beyond TIMER.
 */
#ifndef LUMICAST_COSTS_H
#define LUMICAST_COSTS_H

/* n instructions in nanoseconds: 1.5 cycles of 1/64 microsecond each */
#define COST_INSTRUCTIONS(n) ((uint64_t)(n) * 1500 / 64)

/* performance.md section 4: parse, nonce, AAD and window are 117 k on XS; a duplicate is found
   after the first 34 k of them (header, look-up, window) */
#define COST_FRAME_IN COST_INSTRUCTIONS(34000)

/* the rest of the 117 k but the inner message, which comes after the tag: 66 k */
#define COST_OPEN_BEFORE COST_INSTRUCTIONS(66000)

/* inner CoAP parse (21 k for a whole message), access and dispatch: the 140-155 k of the receive
   path (performance.md section 4) less everything above and the AEAD */
#define COST_OPEN_AFTER COST_INSTRUCTIONS(20000)

/* npm run cortexm: an accepted command (59,480 instructions from ring to light port) less a forged
   one (16,320) and less what the store takes of it (1,000) */
#define COST_QUICK_AFTER COST_INSTRUCTIONS(42000)

/* performance.md section 1: 1,164 instructions an AES block; a CCM-8 open of 24 B with 20 B of AAD
   is 6 blocks and 10,288 instructions in all, so 3,300 lie outside the blocks */
#define COST_AES_BLOCK COST_INSTRUCTIONS(1164)
#define COST_CCM COST_INSTRUCTIONS(3300)

/* FACTS: a key import is ten rounds of schedule and a host object */
#define COST_KEY COST_INSTRUCTIONS(3000)

/* the mirror of the receive path: inner message 30 k, option, nonce and AAD 55 k, header 23 k
   (estimated from the receive counts; the send path was not measured) */
#define COST_SEAL COST_INSTRUCTIONS(108000)

/* npm run cortexm -- --signatures: libsodium 1.0.18, portable C */
#define COST_SIGN COST_INSTRUCTIONS(550000)
#define COST_VERIFY COST_INSTRUCTIONS(1345000)
#define COST_AGREE COST_INSTRUCTIONS(2405000)

/* mbedTLS on a Cortex-M4, portable C, as its vendors tell it: some 0.1 s to sign or to make a key,
   0.4 s to verify, 0.2 s to agree at 64 MHz (not counted here) */
#define COST_P256_MAKE COST_INSTRUCTIONS(4500000)
#define COST_P256_SIGN COST_INSTRUCTIONS(4700000)
#define COST_P256_VERIFY COST_INSTRUCTIONS(17000000)
#define COST_P256_AGREE COST_INSTRUCTIONS(8500000)

/* 6LoWPAN compression, checksum and MAC header of one frame; also what forwarding adds (estimated
   from typed-array reads at 400 instructions, FACTS) */
#define COST_FRAME_OUT COST_INSTRUCTIONS(17000)

/* portable C, 64 rounds of about 55 instructions and the block's loading */
#define COST_SHA256_BLOCK COST_INSTRUCTIONS(4000)

/* FACTS: a JS call is 490 instructions, a native call 780; a handler that re-arms itself */
#define COST_TIMER COST_INSTRUCTIONS(4000)

/* edge of a button or sensor to its handler */
#define COST_EDGE COST_INSTRUCTIONS(4000)

/* one store record in JS: CRC and copy of some 24 bytes at 400 instructions a byte */
#define COST_STORE COST_INSTRUCTIONS(8000)

/* the same in C: a third of the 1,000 of a record (npm run cortexm, accepted with and without) */
#define COST_JOURNAL COST_INSTRUCTIONS(350)

/* performance.md section 6: 41 us a 4-byte word on nRF52840 */
#define COST_FLASH_WORD 41000u

/* performance.md section 6: Zephyr allows 89.7 ms for an nRF52 page; FACTS: up to 90 ms */
#define COST_FLASH_ERASE 85000000u

/* two PWM registers and the level's curve */
#define COST_LIGHT COST_INSTRUCTIONS(2000)

/* boot: OS and XS start before main() (XS 13.3 on the prototype: intrinsics are in ROM) */
#define COST_BOOT COST_INSTRUCTIONS(200000)

#endif
