import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commonNames, speaksOfOrigin, withoutFields } from '../src/index.ts'

test('names that say where a request comes from, what it asks for instead, or who calls are known', () => {
  const names = `
    Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Server
    X-Forwarded-User X-Forwarded-Client-Cert X-Forwarded X-Forward-For Forwarded-For X-Real-IP Client-IP X-Client-IP
    X-ClientIP True-Client-IP Fastly-Client-IP CF-Connecting-IP CF-Connecting-IPv6 CF-Pseudo-IPv4 X-Cluster-Client-IP
    Fly-Client-IP X-ProxyUser-Ip X-Originating-IP X-Remote-IP X-Remote-Addr WL-Proxy-Client-IP Proxy-Client-IP
    X-Azure-ClientIP X-Azure-SocketIP X-Appengine-User-IP DO-Connecting-IP X-NF-Client-Connection-IP X-Client-IP-Address
    X-Vercel-Forwarded-For X-Envoy-External-Address X-Envoy-Original-Path X-Original-URL X-Original-Method
    X-Original-Host X-Original-Forwarded-For X-Originally-Forwarded-For X-Rewrite-URL X-Override-URL X-Host
    X-HTTP-Host-Override X-HTTP-Method-Override X-HTTP-Method X-Method-Override X-URL-Scheme X-Scheme Front-End-Https
    X-Accel-Mapping X-Accel-Internal X-Sendfile-Type Proxy X-SSL-Client-Cert SSL-Client-Verify Client-Cert
    Client-Cert-Chain Remote-User X-Remote-User X-WebAuth-User X-Auth-Request-Email X-Amzn-Oidc-Identity
    X-MS-Client-Principal X-Goog-Authenticated-User-Email X_Forwarded_For user_id X.Forwarded.For X~Real~IP __proto__`
  for (const name of names.trim().split(/\s+/))
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) assert.ok(speaksOfOrigin(written), written)
})

test('names that clients use for other things are left to them', () => {
  const names = `
    X-Request-Id X-Requested-With X-API-Key X-Csrf-Token X-Client-Version X-Client-Info X-Amz-Date X-Amz-Content-Sha256
    X-Goog-Api-Key X-Ms-Version X-Auth-Token X-GitHub-Event X-Hub-Signature-256 X-Shop-Domain X-Realm X-Hostname X-Zip X-Vip
    DNT Sec-GPC Sec-Fetch-Mode Sec-CH-UA Idempotency-Key Prefer Traceparent Tracestate B3 X-B3-TraceId Depth Destination
    Overwrite Lock-Token HTTP2-Settings Content-MD5 Upgrade-Insecure-Requests Proxying Remoteness Shipping Origin Host`
  for (const name of names.trim().split(/\s+/)) assert.ok(!speaksOfOrigin(name), name)
  const known = commonNames.filter(speaksOfOrigin)
  assert.deepEqual(known, ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'])
})

test('field lines lose those that are dropped, with their values, and are the same list where there is none', () => {
  const lines = ['a', 'x', 'B', 'a', 'c', 'b', 'a', 'y']
  assert.deepEqual(
    withoutFields(lines, (name) => name === 'a'),
    ['B', 'a', 'c', 'b'],
  )
  assert.equal(
    withoutFields(lines, (name) => name === 'x'),
    lines,
  )
})
