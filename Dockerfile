# The packages that a running Skein needs. The image brings its own Node, so the one in the optional packages stays out; no
# package of ours needs a script when it is installed.
FROM node:24-slim AS packages
WORKDIR /skein
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production SKEIN_DATA_DIR=/data
WORKDIR /skein
RUN install --directory --owner=node --group=node --mode=0700 /data
COPY --from=packages /skein/node_modules node_modules
COPY LICENSE NOTICE package.json main.ts config.ts moleculer.config.ts ./
COPY contracts contracts
COPY actors actors
COPY adapters adapters
COPY mixins mixins
COPY services services
USER node
VOLUME /data
EXPOSE 8080 1883
# Not ready without a database: then nothing should be sent here. PGlite needs some seconds for its first start.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "main.ts"]
