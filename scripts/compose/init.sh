#!/bin/sh
# Founds a mesh and issues the folders of its nodes: `init.sh AUTHORITY NODES`. What is there already stays as it is, so
# that the mesh outlives its containers.
set -eu
authority=$1
nodes=$2

issue() {
  name=$1
  shift
  # The config is the last file of a folder to be written.
  [ -e "$nodes/$name/postern.yaml" ] || postern mesh issue --authority "$authority" --name "$name" --out "$nodes/$name" "$@"
}

[ -e "$authority/mesh.json" ] || postern mesh create compose --dir "$authority"

# Relays first: nodes start from those that were issued before them.
for relay in relay-1 relay-2 relay-3; do
  issue "$relay" --role relay --bootstrap "/dns4/$relay/tcp/4001"
done
for egress in egress-1 egress-2; do
  issue "$egress" --role egress --service api
done
issue ingress --role ingress --service api
issue authority --role authority
