// A real provider of OpenID Connect (npm `oidc-provider`) on a free port of this machine, that signs in whoever it is told
// to, without pages. Says `ready {origin}` on standard output; ends when standard input does.
import http from 'node:http';
import { Provider } from 'oidc-provider';
import { SignJWT, decodeJwt, exportJWK, generateKeyPair } from 'jose';

const people = new Map();
const told = { as: '', forge: false, refuse: false, back: 'https://tayang.test' };
let origin;
let provider;
let key;
let keys = 0;

async function freshKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  keys += 1;
  return { privateKey, jwk: { ...(await exportJWK(privateKey)), kid: `key-${keys}`, alg: 'RS256', use: 'sig' } };
}

// The provider's keys are read when it is made: with other keys it is another one, at the same address.
async function restart() {
  key = await freshKey();
  provider = new Provider(origin, {
    clients: [
      {
        client_id: 'tayang',
        client_secret: 'rahasia & lain',
        redirect_uris: [`${told.back}/api/v1/oidc/main/callback`],
      },
    ],
    jwks: { keys: [key.jwk] },
    cookies: { keys: ['uji'] },
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name', 'locale', 'zoneinfo'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/test/interaction/${interaction.uid}` },
    findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub, ...people.get(sub) }) }),
  });
}

async function interaction(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  let result;
  if (told.refuse) {
    result = { error: 'access_denied' };
  } else if (prompt.name === 'login') {
    result = { login: { accountId: told.as } };
  } else {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope('openid email profile');
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

// The ID token of the answer, signed by a key that is not the provider's and says it is.
function forge(response) {
  const end = response.end.bind(response);
  response.end = async (body) => {
    const tokens = JSON.parse(body);
    const { privateKey } = await freshKey();
    const header = { alg: 'RS256', kid: key.jwk.kid };
    tokens.id_token = await new SignJWT(decodeJwt(tokens.id_token)).setProtectedHeader(header).sign(privateKey);
    const text = JSON.stringify(tokens);
    response.setHeader('content-length', Buffer.byteLength(text));
    end(text);
  };
}

async function control(request, response) {
  let text = '';
  for await (const chunk of request) text += chunk;
  const { as, claims, rotate, forged, refuse, back } = JSON.parse(text);
  if (as !== undefined) told.as = as;
  if (claims !== undefined) people.set(told.as, claims);
  if (forged !== undefined) told.forge = forged;
  if (refuse !== undefined) told.refuse = refuse;
  // Where people are sent back to.
  if (back !== undefined) told.back = back;
  if (rotate || back !== undefined) await restart();
  response.end();
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/test/control') return control(request, response);
  if (request.url.startsWith('/test/interaction/')) return interaction(request, response);
  if (request.url.startsWith('/token') && told.forge) forge(response);
  return provider.callback()(request, response);
});
server.listen(0, '127.0.0.1', async () => {
  origin = `http://127.0.0.1:${server.address().port}`;
  await restart();
  console.log(`ready ${origin}`);
});
// Nobody reads on after the first line, and the provider goes on saying things.
process.stdout.on('error', () => {});
process.stdin.on('end', () => process.exit(0)).resume();
