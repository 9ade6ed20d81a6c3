import { BlockList, isIP, isIPv6 } from "node:net";

/** Networks that are not the public internet: this machine, its neighbours, and what only stands for them. */
const closed4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;
/** Of IPv6 only the global unicast block is public, and within it not what carries an IPv4 address or is not routed. */
const global6 = ["2000::", 3] as const;
const closed6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const closed = new BlockList();
for (const [net, prefix] of closed4) closed.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of closed6) closed.addSubnet(net, prefix, "ipv6");
const open6 = new BlockList();
open6.addSubnet(...global6, "ipv6");

/** The machine's own link, and where clouds answer a machine with its credentials. */
const link = new BlockList();
link.addSubnet("169.254.0.0", 16, "ipv4");
link.addAddress("100.100.100.200", "ipv4");
link.addSubnet("fe80::", 10, "ipv6");
link.addAddress("fd00:ec2::254", "ipv6");
link.addAddress("fd20:ce::254", "ipv6");

/** Not to be reached even where private addresses are. */
export function isLinkLocal(address: string): boolean {
  const plain = address.replace(/%.*$/, "");
  return link.check(plain, isIPv6(plain) ? "ipv6" : "ipv4");
}

/** Is this an address on the public internet? Names and anything else that is no address are not. */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/%.*$/, "");
  if (isIPv6(plain)) return open6.check(plain, "ipv6") && !closed.check(plain, "ipv6");
  return isIP(plain) === 4 && !closed.check(plain, "ipv4");
}
