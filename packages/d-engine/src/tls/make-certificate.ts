import {
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import {
  bitString,
  integer,
  nothing,
  objectId,
  octetString,
  pem,
  sequence,
  set,
  tagged,
  time,
  utf8String,
  yes,
} from './der.ts';

/** What a certificate says. */
export interface CertificateWish {
  /** The common name of whom it is of. */
  readonly subject: string;
  /** DNS names and IP addresses. */
  readonly hosts: readonly string[];
  /** It may vouch for others. */
  readonly isAuthority: boolean;
  readonly validFromMs: number;
  readonly validToMs: number;
}

export interface MadeCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly subject: string;
  readonly key: KeyObject;
}

/** Signed by `issuer`, or by itself (RFC 5280). */
export function makeCertificate(
  wish: CertificateWish,
  issuer?: MadeCertificate,
  keys: KeyPairKeyObjectResult = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
): MadeCertificate {
  const { publicKey, privateKey } = keys;
  const signer = issuer?.key ?? privateKey;
  const algorithm = signer.asymmetricKeyType === 'rsa' ? rsaWithSha256 : ecdsaWithSha256;
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer?.subject ?? wish.subject),
    sequence(time(wish.validFromMs), time(wish.validToMs)),
    distinguishedName(wish.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(wish))),
  );
  const signature = sign('sha256', body, signer);
  return {
    certificatePem: pem('CERTIFICATE', sequence(body, algorithm, bitString(signature))),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    subject: wish.subject,
    key: privateKey,
  };
}

const ecdsaWithSha256 = sequence(objectId(1, 2, 840, 10_045, 4, 3, 2));
const rsaWithSha256 = sequence(objectId(1, 2, 840, 113_549, 1, 1, 11), nothing);
const serverAuth = objectId(1, 3, 6, 1, 5, 5, 7, 3, 1);
const clientAuth = objectId(1, 3, 6, 1, 5, 5, 7, 3, 2);

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(objectId(2, 5, 4, 3), utf8String(commonName))));
}

function extensions({ hosts, isAuthority }: CertificateWish): Buffer[] {
  const made = [
    critical(objectId(2, 5, 29, 19), isAuthority ? sequence(yes) : sequence()),
    // Signatures of certificates and of lists of revoked ones, or of handshakes.
    critical(
      objectId(2, 5, 29, 15),
      isAuthority ? bitString(Buffer.from([0x06]), 1) : bitString(Buffer.from([0x80]), 7),
    ),
  ];
  if (!isAuthority) made.push(extension(objectId(2, 5, 29, 37), sequence(serverAuth, clientAuth)));
  if (hosts.length > 0) {
    made.push(extension(objectId(2, 5, 29, 17), sequence(...hosts.map(alternativeName))));
  }
  return made;
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, octetString(value));
}

function critical(id: Buffer, value: Buffer): Buffer {
  return sequence(id, yes, octetString(value));
}

function alternativeName(host: string): Buffer {
  const family = isIP(host);
  if (family === 0) return tagged(0x82, Buffer.from(host));
  return tagged(0x87, family === 4 ? Buffer.from(host.split('.').map(Number)) : ipv6Bytes(host));
}

function ipv6Bytes(address: string): Buffer {
  // Written in one way only: in lower case, the longest run of zeros as "::".
  const plain = new SocketAddress({ family: 'ipv6', address }).address;
  const [before = '', after = ''] = plain.split('::');
  const head = groupsOf(before);
  const tail = groupsOf(after);
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  const bytes = Buffer.alloc(16);
  [...head, ...zeros, ...tail].forEach((group, at) => {
    bytes.writeUInt16BE(group, at * 2);
  });
  return bytes;
}

/** The last two may be written as IPv4. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
