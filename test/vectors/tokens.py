"""Makes tokens.json: tokens of WIRE.md "Tokens and keys" by somebody else's COSE and CBOR.

    python3 -m venv /tmp/peer
    /tmp/peer/bin/pip install pycose==1.1.0 cbor2==5.9.0 cwt==3.3.0
    /tmp/peer/bin/python test/vectors/tokens.py > test/vectors/tokens.json

pycose makes them, python-cwt reads each again; nothing of Lumicast takes part. The same every time.
"""

import json

import cbor2
import cwt
from pycose.algorithms import AESCCM1664128, EdDSA, HMAC256
from pycose.headers import IV, KID, Algorithm
from pycose.keys import OKPKey, SymmetricKey
from pycose.messages import Enc0Message, Mac0Message, Sign1Message

NOW = 1_790_000_000
SENDER, RECEIVER = 1, 2

# RFC 8032 §7.1, the first two keys.
SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
OTHER_SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
OTHER_PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SECRET = "849b57219dae48de646d07dbb533566e976686457c1491be3a76dcea6c427188"
PAIRWISE = "000102030405060708090a0b0c0d0e0f"
SEALING = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"

CONTEXT = {
    "as": {"issuer": "as.example", "kid": "a5", "alg": "EdDSA", "seed": SEED, "public": PUBLIC},
    "as-mac": {"issuer": "as.example", "kid": "a6", "alg": "HMAC 256/256", "secret": SECRET},
    "kdc": {
        "issuer": "kdc.example",
        "kid": "4b",
        "alg": "EdDSA",
        "seed": OTHER_SEED,
        "public": OTHER_PUBLIC,
    },
    "pairwise": {"kid": "01", "key": PAIRWISE},
    "sealing": {"kid": "53", "key": SEALING},
}
AT_KDC = {"anchors": ["as", "as-mac"], "audience": "kdc.example", "now": NOW + 1}
AT_R = {"anchors": ["kdc"], "audience": "hall", "now": NOW + 1}


def dumps(value):
    return cbor2.dumps(value, canonical=True)


def okp(name):
    known = CONTEXT[name]
    return OKPKey(crv="ED25519", d=bytes.fromhex(known["seed"]), x=bytes.fromhex(known["public"]))


def vouch(payload, by, kid=None, phdr=None, uhdr=None, secret=None):
    """An untagged COSE_Sign1 or COSE_Mac0, as a list."""
    known = CONTEXT[by]
    uhdr = {KID: bytes.fromhex(known["kid"]) if kid is None else kid} if uhdr is None else uhdr
    if known["alg"] == "EdDSA" and secret is None:
        phdr = {Algorithm: EdDSA} if phdr is None else phdr
        message = Sign1Message(phdr=phdr, uhdr=uhdr, payload=payload)
        message.key = okp(by)
    else:
        message = Mac0Message(phdr={Algorithm: HMAC256}, uhdr=uhdr, payload=payload)
        message.key = SymmetricKey(k=secret or bytes.fromhex(known["secret"]))
    return cbor2.loads(message.encode(tag=False))


def tagged(by, parts, outer=61):
    inner = 18 if CONTEXT[by]["alg"] == "EdDSA" else 17
    return dumps(cbor2.CBORTag(outer, cbor2.CBORTag(inner, parts)))


def claims_of(said):
    """The claims set of `said`, which is how the file writes it."""
    claims = {}
    for label, name, of in (
        (1, "iss", str),
        (2, "sub", bytes.fromhex),
        (3, "aud", str),
        (4, "exp", int),
        (6, "iat", int),
        (7, "cti", bytes.fromhex),
        (9, "scope", dumps),
        (-70001, "group", bytes.fromhex),
    ):
        if name in said:
            claims[label] = of(said[name])
    if "kid" in said:
        claims[8] = {3: bytes.fromhex(said["kid"])}
    if "key" in said:
        claims[8] = {1: cbor2.loads(bytes.fromhex(said["key"]))}
    if "envelope" in said:
        claims[-70002] = cbor2.loads(bytes.fromhex(said["envelope"]))
    return claims


def envelope(under, nonce, plain, group, client):
    known = CONTEXT[under]
    message = Enc0Message(
        phdr={Algorithm: AESCCM1664128},
        uhdr={KID: bytes.fromhex(known["kid"]), IV: bytes.fromhex(nonce)},
        payload=bytes.fromhex(plain),
        external_aad=dumps([bytes.fromhex(group), bytes.fromhex(client)]),
    )
    message.key = SymmetricKey(k=bytes.fromhex(known["key"]))
    return message.encode(tag=False).hex()


def read_again(token, by):
    """python-cwt's judgement of a token."""
    known = CONTEXT[by]
    outer = cbor2.loads(token)
    kid = bytes.fromhex(known["kid"])
    if known["alg"] == "EdDSA":
        public = {1: 1, 2: kid, 3: -8, -1: 6, -2: bytes.fromhex(known["public"])}
        key = cwt.COSEKey.new(public)
    else:
        key = cwt.COSEKey.from_symmetric_key(
            bytes.fromhex(known["secret"]), alg="HMAC 256/256", kid=kid
        )
    return cwt.COSE.new().decode(dumps(outer.value), key)


DEVICE = [None, 3, SENDER]
GROUP = [7, 2, SENDER | RECEIVER]
BASE = {
    "iss": "as.example",
    "sub": "0105",
    "aud": "kdc.example",
    "exp": NOW + 10_000_000,
    "iat": NOW,
    "cti": "01",
    "kid": "c0ffee",
    "scope": [DEVICE, GROUP],
}
ENDLESS = {name: value for name, value in BASE.items() if name != "exp"}
KEY_PLAIN = dumps({1: 4, 2: bytes([9]), 3: 10, -1: bytes(range(16))}).hex()
MATERIAL = dumps(
    {1: 4, 2: bytes.fromhex("b1f05c"), -70003: {1: bytes(range(16)), 2: bytes(8)}}
).hex()

cases = []
negative = []


def token(name, by, said, rules, **more):
    made = tagged(by, vouch(dumps(claims_of(said)), by))
    read = read_again(made, by)
    assert read == dumps(claims_of(said)), name
    cases.append(
        {"name": name, "kind": "token", "by": by, "claims": said, "rules": rules, **more}
        | {"output": made.hex()}
    )
    return made


def bad(name, made, expect, rules=AT_KDC, why=""):
    negative.append(
        {"name": name, "rules": rules, "datagram": made.hex(), "expect": expect, "why": why}
    )


def positives():
    token("at-kdc-signed", "as", BASE, AT_KDC)
    token("at-kdc-maced", "as-mac", BASE, AT_KDC)
    token("at-kdc-endless", "as", ENDLESS, AT_KDC)
    bearer = {name: value for name, value in ENDLESS.items() if name != "kid"}
    token("at-kdc-bearer", "as", bearer, AT_KDC)
    public = dumps({1: 1, -1: 6, -2: bytes.fromhex(OTHER_PUBLIC)}).hex()
    token("at-kdc-proof-of-a-key", "as", bearer | {"key": public}, AT_KDC)
    token("at-kdc-last-second", "as", BASE | {"exp": NOW + 2}, AT_KDC)
    token("at-kdc-must-end", "as", BASE, AT_KDC | {"mustExpire": True})
    longest = {"sub": "ffffffffffffffff", "cti": "00" * 16, "iat": 2**40, "exp": 2**41}
    groups = [[2**32 - 1 - at, 2, 3] for at in range(48)][::-1]
    token("at-kdc-long", "as", BASE | longest | {"scope": [DEVICE, *groups]}, AT_KDC)
    for under, nonce, name in (
        ("pairwise", "a0a1a2a3a4a5a6a7a8a9aaabac", "at-r-own"),
        ("sealing", "b0b1b2b3b4b5b6b7b8b9babbbc", "at-r-shown"),
    ):
        for kind, plain in (("", KEY_PLAIN), ("-material", MATERIAL)):
            at_r(name + kind, under, nonce, plain)
    # WIRE.md: the time is no token, so there is nothing around it.
    payload = dumps({1: NOW, 2: bytes.fromhex("0011223344556677")})
    made = dumps(cbor2.CBORTag(18, vouch(payload, "as")))
    said = {"now": NOW, "nonce": "0011223344556677"}
    cases.append({"name": "time", "kind": "time", "by": "as", **said, "output": made.hex()})


def at_r(name, under, nonce, plain):
    sealed = envelope(under, nonce, plain, "070001", "0105")
    said = {
        **{"iss": "kdc.example", "sub": "0105", "aud": "hall", "iat": NOW, "cti": "2a"},
        **{"scope": [[7, 2, SENDER]], "group": "070001", "envelope": sealed},
    }
    token(name, "kdc", said, AT_R, under=under, nonce=nonce, plain=plain)


def of_headers():
    payload = dumps(claims_of(BASE))
    signed = vouch(payload, "as")
    maced = vouch(payload, "as-mac")
    bad("no-tag", tagged("as", signed)[2:], "malformed")
    bad("another-tag", tagged("as", signed, outer=62), "malformed")
    bad("tag-in-two-bytes", bytes.fromhex("d9003d") + tagged("as", signed)[2:], "malformed")
    bad("bytes-behind", tagged("as", signed) + b"\x00", "malformed")
    bad("empty", b"", "malformed")
    bad("reference", dumps(b"\x01\x02"), "reference", why="receivers ask nobody")
    sign1_as_mac0 = dumps(cbor2.CBORTag(61, cbor2.CBORTag(17, signed)))
    bad("signature-tagged-as-mac", sign1_as_mac0, "forged")
    bad("mac-tagged-as-signature", dumps(cbor2.CBORTag(61, cbor2.CBORTag(18, maced))), "forged")
    public = vouch(payload, "as-mac", kid=bytes.fromhex("a5"), secret=bytes.fromhex(PUBLIC))
    bad("public-key-as-mac-secret", tagged("as-mac", public), "forged", why="algorithm swapped")
    claimed = [dumps({1: 5}), *signed[1:]]
    bad("algorithm-said-otherwise", tagged("as", claimed), "forged")
    outside = vouch(payload, "as", phdr={}, uhdr={Algorithm: EdDSA, KID: b"\xa5"})
    bad("algorithm-outside", tagged("as", outside), "malformed")
    bad("no-algorithm", tagged("as", [b"", *signed[1:]]), "malformed")
    extra = vouch(payload, "as", phdr={Algorithm: EdDSA, 3: 61})
    bad("header-more", tagged("as", extra), "malformed")
    bad("no-kid", tagged("as", vouch(payload, "as", uhdr={})), "untrusted")
    bad("kid-of-another", tagged("as", vouch(payload, "as", kid=b"\xa7")), "untrusted")
    bad("kid-swapped", tagged("as", vouch(payload, "as", kid=b"\xa6")), "forged")
    by_other = vouch(payload, "kdc", kid=b"\xa5")
    bad("another-key", tagged("kdc", by_other), "forged")
    bad("detached", tagged("as", [signed[0], signed[1], None, signed[3]]), "malformed")
    bad("no-signature", tagged("as", signed[:3]), "malformed")
    bad("short-signature", tagged("as", [*signed[:3], signed[3][:-1]]), "forged")
    bad("half-a-mac", tagged("as-mac", [*maced[:3], maced[3][:8]]), "forged", why="HMAC 256/64")
    nested = dumps(cbor2.CBORTag(61, cbor2.CBORTag(61, cbor2.CBORTag(18, signed))))
    bad("tag-twice", nested, "malformed")
    sealed = Enc0Message(phdr={Algorithm: AESCCM1664128}, uhdr={IV: bytes(13)}, payload=payload)
    sealed.key = SymmetricKey(k=bytes(16))
    encrypted = cbor2.CBORTag(16, cbor2.loads(sealed.encode(tag=False)))
    bad("encrypted", dumps(cbor2.CBORTag(61, encrypted)), "malformed")


def of_claims():
    def said(**changes):
        return tagged("as", vouch(dumps(claims_of(BASE | changes)), "as"))

    def raw(changes, without=()):
        claims = claims_of(BASE) | changes
        for label in without:
            del claims[label]
        return tagged("as", vouch(dumps(claims), "as"))

    bad("audience", said(aud="hall.example"), "audience")
    bad("issuer", said(iss="other.example"), "untrusted", why="his key, another's name")
    bad("expired", said(exp=NOW + 1), "expired")
    endless = tagged("as", vouch(dumps(claims_of(ENDLESS)), "as"))
    bad("expiry-missing", endless, "endless", rules=AT_KDC | {"mustExpire": True})
    bad("expiry-negative", raw({4: -1}), "malformed")
    bad("expiry-float", raw({4: NOW + 0.5}), "malformed")
    whole = vouch(cbor2.dumps(claims_of(BASE) | {4: float(NOW + 9)}), "as")
    bad("expiry-whole-float", tagged("as", whole), "malformed")
    bad("expiry-text", raw({4: "never"}), "malformed")
    bad("expiry-null", raw({4: None}), "malformed")
    bad("expiry-tagged", raw({4: cbor2.CBORTag(1, NOW + 9)}), "malformed")
    bad("issued-negative", raw({6: -1}), "malformed")
    bad("issued-float", raw({6: 1.5}), "malformed")
    for label, name in ((1, "iss"), (2, "sub"), (3, "aud"), (6, "iat"), (7, "cti"), (9, "scope")):
        bad(f"without-{name}", raw({}, [label]), "malformed")
    bad("subject-text", raw({2: "erikw"}), "malformed")
    bad("subject-leading-zero", raw({2: b"\x00\x05"}), "malformed")
    bad("subject-long", raw({2: bytes([1] * 9)}), "malformed")
    bad("not-before", raw({5: NOW}), "malformed", why="a claim that a lamp does not know")
    bad("two-proofs", raw({8: {3: b"\x01", 1: {1: 4}}}), "malformed")
    bad("proof-of-nothing", raw({8: {}}), "malformed")
    bad("scope-text", raw({9: "all"}), "malformed")
    bad("scope-array", raw({9: [GROUP]}), "malformed")
    bad("scope-empty", raw({9: dumps([])}), "malformed")
    bad("scope-level-6", raw({9: dumps([[7, 6, 1]])}), "malformed")
    bad("scope-level-negative", raw({9: dumps([[7, -1, 1]])}), "malformed")
    bad("scope-level-float", raw({9: dumps([[7, 2.5, 1]])}), "malformed")
    bad("scope-no-role", raw({9: dumps([[7, 2, 0]])}), "malformed")
    bad("scope-role-4", raw({9: dumps([[7, 2, 4]])}), "malformed")
    bad("scope-group-twice", raw({9: dumps([[7, 1, 1], [7, 3, 1]])}), "malformed")
    bad("scope-order", raw({9: dumps([[7, 1, 1], DEVICE])}), "malformed")
    bad("scope-group-large", raw({9: dumps([[2**32, 1, 1]])}), "malformed")
    long = [[at, 2, 3] for at in range(65)]
    bad("scope-65-groups", raw({9: dumps(long)}), "malformed")
    bad("long", raw({8: {1: {-1: bytes(1024)}}}), "malformed")


def of_encoding():
    payload = dumps(claims_of(BASE))
    level = bytes.fromhex("82f603011901")
    assert level not in payload
    bad("claims-order", tagged("as", vouch(cbor2.dumps(unsorted()), "as")), "malformed")
    first = bytes.fromhex("01") + cbor2.dumps("as.example")
    twice = bytes([payload[0] + 1]) + first + payload[1:]
    bad("claim-twice", tagged("as", vouch(twice, "as")), "malformed")
    endless = b"\xbf" + payload[1:] + b"\xff"
    bad("indefinite-map", tagged("as", vouch(endless, "as")), "malformed")
    wide = payload.replace(b"\x06\x1a" + NOW.to_bytes(4, "big"), b"\x06\x1b" + NOW.to_bytes(8, "big"))
    assert wide != payload
    bad("wide-integer", tagged("as", vouch(wide, "as")), "malformed")
    bad("bytes-behind-claims", tagged("as", vouch(payload + b"\xf6", "as")), "malformed")
    bad("claims-array", tagged("as", vouch(dumps([1, 2]), "as")), "malformed")


def unsorted():
    return dict(sorted(claims_of(BASE).items(), reverse=True))


def of_bits():
    """A bit of every byte of a signed and of a MACed token."""
    for by in ("as", "as-mac"):
        made = tagged(by, vouch(dumps(claims_of(BASE)), by))
        for at in range(len(made)):
            flipped = bytearray(made)
            flipped[at] ^= 1 << (at % 8)
            flip = {"of": f"at-kdc-{'signed' if by == 'as' else 'maced'}", "bit": at * 8 + at % 8}
            assert bytes(flipped) != made
            negative.append({"name": f"{flip['of']}-bit-{flip['bit']}", "rules": AT_KDC, "flip": flip})


RFC8392 = {
    # https://www.rfc-editor.org/rfc/rfc8392#appendix-A: claims set A.1, keys A.2, A.3 to A.7.
    "claims": "a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b77037818636f61703a"
    "2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b71",
    "aes": "231f4c4d4d3051fdc2ec0a3851d5b383",
    "mac": "403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388",
    "x": "143329cce7868e416927599cf65a34f3ce2ffda55a7eca69ed8919a394d42f0f",
    "y": "60f7f1a780d8a783bfb7a2dd6b2796e8128dbbcef9d3d168db9529971a36e7b9",
    "A.3": "d28443a10126a104524173796d6d657472696345434453413235365850a70175636f61703a2f2f61"
    "732e6578616d706c652e636f6d02656572696b77037818636f61703a2f2f6c696768742e6578616d"
    "706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b7158405427c1ff28d23fbad1"
    "f29c4c7c6a555e601d6fa29f9179bc3d7438bacaca5acd08c8d4d4f96131680c429a01f85951ecee"
    "743a52b9b63632c57209120e1c9e30",
    "A.4": "d83dd18443a10104a1044c53796d6d65747269633235365850a70175636f61703a2f2f61732e6578"
    "616d706c652e636f6d02656572696b77037818636f61703a2f2f6c696768742e6578616d706c652e"
    "636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b7148093101ef6d789200",
    "A.5": "d08343a1010aa2044c53796d6d6574726963313238054d99a0d7846e762c49ffe8a63e0b5858b918"
    "a11fd81e438b7f973d9e2e119bcb22424ba0f38a80f27562f400ee1d0d6c0fdb559c02421fd384fc"
    "2ebe22d7071378b0ea7428fff157444d45f7e6afcda1aae5f6495830c58627087fc5b4974f319a87"
    "07a635dd643b",
    "A.6": "d08343a1010aa2044c53796d6d6574726963313238054d4a0694c0e69ee6b5956655c7b258b7f6b0"
    "914f993de822cc47e5e57a188d7960b528a747446fe12f0e7de05650dec74724366763f167a29c00"
    "2dfd15b34d8993391cf49bc91127f545dba8703d66f5b7f1ae91237503d371e6333df9708d78c4fb"
    "8a8386c8ff09dc49af768b23179deab78d96490a66d5724fb33900c60799d9872fac6da3bdb89043"
    "d67c2a05414ce331b5b8f1ed8ff7138f45905db2c4d5bc8045ab372bff142631610a7e0f677b7e9b"
    "0bc73adefdcee16d9d5d284c616abeab5d8c291ce0",
    "A.7": "d18443a10104a1044c53796d6d65747269633235364ba106fb41d584367c20000048b8816f34c0542892",
}


def of_rfc8392():
    # What python-cwt finds in them, so that nothing here was copied wrongly.
    point = {-1: 1, -2: bytes.fromhex(RFC8392["x"]), -3: bytes.fromhex(RFC8392["y"])}
    keys = {
        "ES256": cwt.COSEKey.new({1: 2, 2: b"AsymmetricECDSA256", 3: -7, **point}),
        "HMAC 256/64": cwt.COSEKey.from_symmetric_key(
            bytes.fromhex(RFC8392["mac"]), alg="HMAC 256/64", kid="Symmetric256"
        ),
        "AES-CCM-16-64-128": cwt.COSEKey.from_symmetric_key(
            bytes.fromhex(RFC8392["aes"]), alg="AES-CCM-16-64-128", kid="Symmetric128"
        ),
    }
    for name, alg, content in (
        ("A.3", "ES256", RFC8392["claims"]),
        ("A.4", "HMAC 256/64", RFC8392["claims"]),
        ("A.5", "AES-CCM-16-64-128", RFC8392["claims"]),
        ("A.6", "AES-CCM-16-64-128", RFC8392["A.3"]),
        ("A.7", "HMAC 256/64", "a106fb41d584367c200000"),
    ):
        value = cbor2.loads(bytes.fromhex(RFC8392[name]))
        inner = value.value if value.tag == 61 else value
        found = cwt.COSE.new().decode(dumps(inner), keys[alg])
        assert found.hex() == content, name
        key = {
            "ES256": "04" + RFC8392["x"] + RFC8392["y"],
            "HMAC 256/64": RFC8392["mac"],
            "AES-CCM-16-64-128": RFC8392["aes"],
        }[alg]
        said = {"name": f"rfc8392-{name}", "kind": "rfc8392", "alg": alg, "key": key}
        cases.append(said | {"content": content, "output": RFC8392[name]})


positives()
of_headers()
of_claims()
of_encoding()
of_bits()
of_rfc8392()
print(
    json.dumps(
        {
            "profile": "tokens",
            "source": "draft-somaraju-ace-multicast-01 §3.2, §3.3; RFC 8392, 8747, 9052; "
            "made by tokens.py with pycose 1.1.0 and cbor2 5.9.0, each read by python-cwt 3.3.0",
            "context": CONTEXT,
            "cases": cases,
            "negative": negative,
        },
        indent=1,
    )
)
