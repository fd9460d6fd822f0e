import {
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';

/** What a test certificate says. */
export interface CertificateWish {
  readonly subject: string;
  /** DNS names and IPv4 addresses. */
  readonly names?: readonly string[];
  readonly isAuthority?: boolean;
  /** Default: from a day ago to a day from now. */
  readonly validFromMs?: number;
  readonly validToMs?: number;
}

export interface TestCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly subject: string;
  readonly key: KeyObject;
}

const dayMs = 86_400_000;

/** Signed by `issuer`, or by itself. Made at run time: a certificate in a file would expire. */
export function makeCertificate(
  wish: CertificateWish,
  issuer?: TestCertificate,
  keys: KeyPairKeyObjectResult = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
): TestCertificate {
  const { publicKey, privateKey } = keys;
  const algorithm =
    (issuer?.key ?? privateKey).asymmetricKeyType === 'rsa' ? rsaAlgorithm : ecAlgorithm;
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer?.subject ?? wish.subject),
    sequence(
      time(wish.validFromMs ?? Date.now() - dayMs),
      time(wish.validToMs ?? Date.now() + dayMs),
    ),
    distinguishedName(wish.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(wish))),
  );
  const signature = sign('sha256', body, issuer?.key ?? privateKey);
  return {
    certificatePem: toPem(sequence(body, algorithm, bitString(signature))),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    subject: wish.subject,
    key: privateKey,
  };
}

// ---- DER, as far as certificates need it (X.690, RFC 5280) ----

function tagged(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 255]), content]);
}

function sequence(...parts: Uint8Array[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.from([0]), bytes);
}

function objectId(...numbers: number[]): Buffer {
  const [first = 0, second = 0, ...rest] = numbers;
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 127];
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

/** Both with SHA-256. */
const ecAlgorithm = sequence(objectId(1, 2, 840, 10_045, 4, 3, 2));
const rsaAlgorithm = sequence(objectId(1, 2, 840, 113_549, 1, 1, 11), tagged(0x05));

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(objectId(2, 5, 4, 3), tagged(0x0c, Buffer.from(commonName)));
  return sequence(tagged(0x31, attribute));
}

/** GeneralizedTime, for any year. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-T:]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(digits));
}

function extensions(wish: CertificateWish): Buffer[] {
  const made: Buffer[] = [];
  const { names = [], isAuthority = false } = wish;
  if (isAuthority) {
    const basicConstraints = sequence(tagged(0x01, Buffer.from([255])));
    made.push(sequence(objectId(2, 5, 29, 19), tagged(0x04, basicConstraints)));
  }
  if (names.length > 0) {
    const alternatives = sequence(
      ...names.map((name) =>
        isIP(name) === 4
          ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
          : tagged(0x82, Buffer.from(name)),
      ),
    );
    made.push(sequence(objectId(2, 5, 29, 17), tagged(0x04, alternatives)));
  }
  return made;
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
