import { type Link, linkFormat } from "../../modules/coap/linkformat.js";
import { equal, test } from "../harness.js";

/** The server of RFC 6690 §5's examples, its own links. */
const SENSORS: readonly Link[] = [
  { path: "sensors", attributes: 'ct=40;title="Sensor Index"' },
  { path: "sensors/temp", attributes: 'rt="temperature-c";if="sensor"' },
  { path: "sensors/light", attributes: 'rt="light-lux";if="sensor"' },
  { path: "t", attributes: 'anchor="/sensors/temp";rel="alternate"' },
];

test("links are emitted as in RFC 6690 §5", () => {
  equal(linkFormat([{ path: "sensors", attributes: "ct=40" }]), "</sensors>;ct=40");
  equal(
    linkFormat(SENSORS),
    '</sensors>;ct=40;title="Sensor Index",' +
      '</sensors/temp>;rt="temperature-c";if="sensor",' +
      '</sensors/light>;rt="light-lux";if="sensor",' +
      '</t>;anchor="/sensors/temp";rel="alternate"',
  );
  equal(
    linkFormat([{ path: "firmware/v2.1", attributes: 'rt="firmware";sz=262144' }]),
    '</firmware/v2.1>;rt="firmware";sz=262144',
  );
});

test("links without attributes, the root, and no links", () => {
  equal(
    linkFormat([
      { path: "a", attributes: "" },
      { path: "", attributes: "" },
    ]),
    "</a>,</>",
  );
  equal(linkFormat([]), "");
});

test("a resource without attributes of its own is not listed", () => {
  const links = [{ path: "secret" }, { path: "a", attributes: "" }];
  equal(linkFormat(links), "</a>");
  equal(linkFormat(links, "href=/secret"), "");
});

/** Paths that a query selects, without their slash. */
function selected(query: string, links = SENSORS): string[] {
  const text = linkFormat(links, query);
  return text === "" ? [] : text.split(",").map((link) => link.slice(2, link.indexOf(">")));
}

test("filter by resource type and interface (RFC 6690 §5)", () => {
  equal(linkFormat(SENSORS, "rt=light-lux"), '</sensors/light>;rt="light-lux";if="sensor"');
  equal(selected("if=sensor"), ["sensors/temp", "sensors/light"]);
  equal(selected("rt=light"), []);
  equal(selected("rt=temperature-c "), []);
  equal(selected("RT=light-lux"), []);
});

test("a trailing asterisk selects by the beginning (RFC 6690 §4.1)", () => {
  equal(selected("rt=light*"), ["sensors/light"]);
  equal(selected("rt=light-lux*"), ["sensors/light"]);
  equal(selected("rt=*"), ["sensors/temp", "sensors/light"]);
  equal(selected("rt=lux*"), []);
  equal(selected("rt=*lux"), []);
});

test("href selects by path", () => {
  equal(selected("href=/sensors"), ["sensors"]);
  equal(selected("href=/sensors*"), ["sensors", "sensors/temp", "sensors/light"]);
  equal(selected("href=/sensors/*"), ["sensors/temp", "sensors/light"]);
  equal(selected("href=/"), []);
  equal(selected("href=sensors"), []);
  equal(selected("href=*").length, 4);
});

test("any attribute can be asked for, quoted or not", () => {
  equal(selected("ct=40"), ["sensors"]);
  equal(selected("ct=4"), []);
  equal(selected("title=Sensor Index"), ["sensors"]);
  equal(selected("title=Sensor"), []);
  equal(selected("title=Sensor*"), ["sensors"]);
  equal(selected("anchor=/sensors/temp"), ["t"]);
  equal(selected("foo=bar"), []);
});

test("a list of words is matched word by word", () => {
  const links = [
    { path: "a", attributes: 'rt="light-lux core.sen-light";ct="110 112"' },
    { path: "b", attributes: 'title="light-lux core";rt="core.sen-light";ct=112' },
  ];
  equal(selected("rt=core.sen-light", links), ["a", "b"]);
  equal(selected("rt=light-lux", links), ["a"]);
  equal(selected("rt=core*", links), ["a", "b"]);
  equal(selected("rt=light-lux core.sen-light", links), []);
  equal(selected("ct=112", links), ["a", "b"]);
  equal(selected("ct=110", links), ["a"]);
  equal(selected("ct=11", links), []);
  equal(selected("title=core", links), []);
});

test("what stands in quotes is no attribute", () => {
  const links = [
    { path: "a", attributes: 'title="x;rt=y";rt="z"' },
    { path: "b", attributes: 'title="rt=z"' },
    { path: "c", attributes: "obs;rt=y" },
  ];
  equal(selected("rt=y", links), ["c"]);
  equal(selected('rt=y"', links), []);
  equal(selected("rt=z", links), ["a"]);
  equal(selected("title=x;rt=y", links), ["a"]);
  equal(selected("obs=", links), ["c"]);
});

test("a query that is none selects nothing", () => {
  equal(selected("rt"), []);
  equal(selected(""), []);
  equal(selected("="), []);
  equal(selected("*"), []);
});
