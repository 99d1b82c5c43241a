const issueAnew = 'have the authority issue a new one: `postern mesh issue`'

/** What to do about a failure of which no more is known than its code. */
export const remedies = {
  FILE_MISSING:
    'put it in its place, for the user who runs the node to read; `postern mesh issue` makes a whole folder',
  FILE_UNREADABLE: 'have a file there that the user who runs this may read: `ls -ld`, `chown`, `chmod`',
  FILE_UNWRITABLE:
    'make room on the disk (`df -h`, `df -i`), or let the user who runs this write there (`mount`, `ls -ld`); a running node then writes what waits by itself',
  KEY_TOO_OPEN: '`chmod 600` the file, and replace the secret if others may have read it',
  KEY_INVALID: 'carry the file over again from where it was made',
  MESH_INVALID: 'carry mesh.json over again from the folder of the authority',
  CREDENTIAL_INVALID: `carry it over again, or ${issueAnew}`,
  CREDENTIAL_WRONG_MESH: 'bring key, credential and mesh.json of one mesh together',
  CREDENTIAL_WRONG_PEER: 'bring back the key that it was issued to; a node folder moves as a whole',
  CREDENTIAL_EARLY: 'compare `date -u` on this host and on that of the authority, and set the clock that is off',
  CREDENTIAL_EXPIRED: `keep the node running, and a node of the role authority: that renews what ended less than its renewalGraceMs ago; else ${issueAnew}; if it should still be valid, compare \`date -u\` with another host`,
  CREDENTIAL_REVOKED: 'ask the authority for the reason; it can issue another node',
  CREDENTIAL_REFUSED: `it may have been taken back, or be signed by another authority; ${issueAnew}`,
  ADDRESS_IN_USE: 'stop what listens there, or choose another address',
} as const
