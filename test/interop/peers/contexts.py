"""Security contexts for aiocoap from one JSON file; all bytes are hex.

    {"pair": "DIR"}                            RFC 8613, kept where aiocoap keeps it (settings.json)
    {"group": {"gid": "", "secret": "", "salt": "", "algorithm": 10, "manager": "",
               "id": "", "seed": "", "credential": "", "peers": {"ID": "CREDENTIAL"}}}   RFC 10021
"""

import json

from aiocoap import oscore

AEAD = {
    10: oscore.algorithms["AES-CCM-16-64-128"],
    30: oscore.algorithms["AES-CCM-16-128-128"],
}


def group_context(given):
    signature = oscore.Ed25519()
    return oscore.SimpleGroupContext(
        alg_aead=AEAD[10],
        hashfun=oscore.hashfunctions["sha256"],
        alg_signature=signature,
        alg_group_enc=AEAD[given["algorithm"]],
        alg_pairwise_key_agreement=oscore.EcdhSsHkdf256(),
        group_id=bytes.fromhex(given["gid"]),
        master_secret=bytes.fromhex(given["secret"]),
        master_salt=bytes.fromhex(given["salt"]),
        sender_id=bytes.fromhex(given["id"]),
        private_key=bytes.fromhex(given["seed"]),
        sender_auth_cred=bytes.fromhex(given["credential"]),
        peers={
            bytes.fromhex(one): bytes.fromhex(credential)
            for one, credential in given["peers"].items()
        },
        group_manager_cred=bytes.fromhex(given["manager"]),
    )


def load(path):
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    if "pair" in given:
        context = oscore.FilesystemSecurityContext(given["pair"])
    else:
        context = group_context(given["group"])
    context.authenticated_claims = ["peer"]
    return context
