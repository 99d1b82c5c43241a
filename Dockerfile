# The image of a Postern node: `docker build --tag postern:local .`, then `docker run --rm postern:local --help`.
FROM node:26-slim AS build
ENV CI=true
WORKDIR /app
# Packages come before the sources, which change more often: their layer stays while the lock file does.
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN npx --yes pnpm@12.21.0 fetch
COPY . .
RUN npx --yes pnpm@12.21.0 install --frozen-lockfile --offline && node_modules/.bin/tsc -b
# Again, with what runs alone: without the compiler and the tools of the tests it is a tenth of the size.
RUN rm -rf node_modules packages/*/node_modules \
  && npx --yes pnpm@12.21.0 install --frozen-lockfile --offline --prod --filter 'postern...'

FROM node:26-slim
ENV NODE_ENV=production
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/packages /app/packages
RUN ln -s /app/packages/cli/bin/postern.mjs /usr/local/bin/postern
# An empty volume takes the owner and the mode of the folder it is mounted on, and keys must be their user's alone: these
# are the folders where docker-compose.yml mounts volumes.
RUN install --directory --owner=node --group=node --mode=0700 /node /authority /nodes/authority \
  /nodes/relay-1 /nodes/relay-2 /nodes/relay-3 /nodes/egress-1 /nodes/egress-2 /nodes/ingress
USER node
WORKDIR /node
ENTRYPOINT ["node", "/app/packages/cli/bin/postern.mjs"]
CMD ["up"]
