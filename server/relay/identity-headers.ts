import { NAME } from '../contract/name.ts'
import { headerFilter } from './header-filter.ts'

/** One spelling for all names that some server takes for the same: CGI, WSGI, Rack and PHP read every character of a name
 * but letters and digits as `_`. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

/** Headers by which applications learn from a proxy in front who asks, from where, or for what: a client that sends one would
 * be believed. No such list is ever complete: docs/guides/identity-headers.md names it, and `dropHeaders` adds to it. */
export const IDENTITY_FAMILIES = [
  // Where a request came from, and what it was before a proxy rewrote it.
  'forwarded', 'x-forward', 'x-real-', 'x-original-', 'x-originating-', 'x-rewrite-', 'x-proxy-', 'wl-proxy-', 'x-vercel-', 'x-azure-',
  'cloudfront-viewer-', 'cf-connecting-', 'cf-pseudo-', 'x-accel-', 'x-sendfile', 'x-middleware-', 'x-invoke-', 'x-internal-',
  // Sign-in in front of an application: Authelia, Authentik, oauth2-proxy, Vouch, Pomerium, Tailscale, mod_auth_*, Caddy, YunoHost …
  'remote-', 'x-remote-', 'auth-', 'x-auth-', 'x-authn-', 'x-authz-', 'authenticated-', 'x-authenticated-', 'authentik-', 'x-authentik-',
  'authelia-', 'x-authelia-', 'webauth-', 'x-webauth-', 'oidc-', 'x-oidc-', 'oauth2-', 'x-oauth2-', 'x-vouch-', 'x-pomerium-', 'gap-',
  'tailscale-', 'x-tailscale-', 'teleport-', 'x-teleport-', 'cf-access-', 'ngrok-auth-', 'x-ngrok-', 'x-replit-', 'x-sandstorm-', 'x-cosmos-',
  'ynh-', 'shib-', 'x-shib-', 'mellon-', 'saml-', 'x-saml-', 'cas-', 'x-cas-', 'ldap-', 'x-ldap-', 'sso-', 'x-sso-', 'krb-', 'x-krb-',
  'sm-', 'iv-', 'oam-',
  // Clouds and gateways: Azure, Google, Amazon, Kong, Envoy, APISIX, Kubernetes.
  'x-ms-client-principal', 'x-ms-token-', 'x-goog-', 'x-appengine-', 'x-endpoint-api-', 'x-apigateway-api-', 'x-amzn-oidc-', 'x-amzn-mtls-',
  'x-envoy-', 'x-istio-', 'x-spiffe-', 'x-consumer', 'x-credential-', 'x-jwt-', 'jwt-', 'x-token-', 'x-claim', 'impersonate-',
  // Client certificates, checked by whoever ended TLS.
  'ssl-', 'x-ssl-', 'tls-', 'x-tls-', 'client-cert', 'x-client-cert', 'x-clientcert', 'x-client-ssl-', 'x-client-tls-', 'x-client-dn',
  'x-client-verif', 'x-client-subject', 'x-arr-clientcert', 'x-cert-', 'x-verified-',
  // Whoever that is.
  'x-user-', 'x-principal', 'x-identity', 'x-impersonate-', `x-${NAME}-`,
] as const

export const IDENTITY_NAMES = [
  'x-real-ip', 'client-ip', 'x-client-ip', 'x-clientip', 'x-cluster-client-ip', 'true-client-ip', 'x-true-client-ip', 'fastly-client-ip',
  'fly-client-ip', 'x-nf-client-connection-ip', 'x-sourceip', 'proxy', 'proxy-client-ip', 'script-name', 'path-info', 'request-uri', 'x-script-name',
  'x-host', 'x-http-host-override', 'x-host-override', 'x-http-method', 'x-http-method-override', 'x-method-override',
  'user', 'username', 'userid', 'user-id', 'user-name', 'user-email', 'user-groups', 'user-roles', 'uid', 'email', 'mail', 'groups', 'roles', 'eppn',
  'persistent-id', 'smuser', 'x-user', 'x-username', 'x-userid', 'x-userinfo', 'x-uid', 'x-sub', 'x-subject', 'x-login', 'x-email', 'x-group',
  'x-groups', 'x-role', 'x-roles', 'x-scopes', 'x-permissions', 'x-admin', 'x-is-admin', 'x-api-user', 'x-webauth', 'x-auth', 'x-authuser',
  'x-authenticated', 'x-authorization', 'x-serverless-authorization', 'x-access-token', 'x-id-token', 'x-refresh-token', 'x-zumo-auth',
  'x-token', 'x-anonymous-consumer', 'x-on-behalf-of', 'x-scope-orgid',
] as const

/** They begin like a family and say nothing of who asks. */
export const ORDINARY_NAMES = [
  'x-user-agent', 'x-user-timezone', 'x-user-time-zone', 'x-user-locale', 'x-user-language', 'x-user-lang', 'x-user-currency',
] as const

/** Whether a request's header speaks for a proxy in front, in whatever spelling. */
export const isIdentityHeader = headerFilter({ names: IDENTITY_NAMES, prefixes: IDENTITY_FAMILIES, except: ORDINARY_NAMES }, canonicalName)
