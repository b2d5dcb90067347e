import Resource from "Resource";

/**
 * manifest_provisioning.json names it so, whatever the file was called that the build was given in
 * $LUMICAST_PROVISIONING; a file that is not there is a warning of mcconfig's with its path.
 */
const NAME = "provisioning.cbor";

/** This device's part of the installation as it was built in; undefined when none was. */
export function embedded(): Uint8Array | undefined {
  if (!Resource.exists(NAME)) return undefined;
  return new Uint8Array(new Resource(NAME).slice(0));
}
