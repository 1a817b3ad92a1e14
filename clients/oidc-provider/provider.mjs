// An OpenID provider of other people's making, for tests on this machine alone:
// whoever types a name is that person. README.md says how to start it.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const {
  port = 0,
  clientId,
  clientKeys, // a JWK set, or
  clientKeysUrl, // where the client publishes it
  redirectUris,
  postLogoutRedirectUris = [],
  backchannelLogoutUri,
  requestObjects, // signed requests: 'allowed', 'required', or not at all
} = JSON.parse(process.argv[2]);

const salt = randomBytes(32);
const signingKey = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid: 'signing-1', alg: 'ES256', use: 'sig',
};

const configuration = {
  clients: [{
    client_id: clientId,
    redirect_uris: redirectUris,
    post_logout_redirect_uris: postLogoutRedirectUris,
    backchannel_logout_uri: backchannelLogoutUri,
    backchannel_logout_session_required: backchannelLogoutUri && true,
    jwks: clientKeys,
    jwks_uri: clientKeysUrl,
    grant_types: ['authorization_code', 'refresh_token'], // the latter for whoever asks for offline_access
    request_object_signing_alg: requestObjects && 'PS256',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    id_token_signed_response_alg: 'ES256',
    subject_type: 'pairwise',
  }],
  clientAuthMethods: ['private_key_jwt'],
  responseTypes: ['code'],
  subjectTypes: ['pairwise'],
  pairwiseIdentifier: (_ctx, account, client) => createHash('sha256')
    .update(salt).update(`${client.sectorIdentifier}|${account}`).digest('hex'),
  pkce: { required: () => true },
  jwks: { keys: [signingKey] },
  enabledJWA: {
    clientAuthSigningAlgValues: ['PS256'],
    idTokenSigningAlgValues: ['ES256'],
    requestObjectSigningAlgValues: ['PS256'],
  },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
  }),
  features: {
    devInteractions: { enabled: true },
    claimsParameter: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    requestObjects: { enabled: requestObjects !== undefined, requireSignedRequestObject: requestObjects === 'required' },
  },
  // The library's own dispatcher refuses to fetch from addresses on this machine,
  // and nothing else is ever fetched from here.
  fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
};

const server = createServer();
server.listen(port, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  // What it refuses, and why: the first thing to read when a test fails.
  for (const event of ['authorization.error', 'grant.error', 'end_session.error', 'server_error']) {
    provider.on(event, (_ctx, err) => console.error(event, err.error, err.error_description, err.error_detail ?? ''));
  }
  provider.on('backchannel.error', (_ctx, err) => console.error('backchannel.error', err.message));
  provider.on('grant.success', (ctx) => console.log('granted', Object.keys(ctx.body).sort().join(' ')));
  server.on('request', provider.callback());
  console.log(`ready ${issuer}`);
});

// Whoever started it holds its standard input; when they are gone, so is it.
process.stdin.on('end', () => process.exit()).resume();
