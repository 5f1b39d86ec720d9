// `ng serve` hands /api to the storefront's server of the shop that `make up` has started. That server takes calls of
// its own pages only, so that those of the pages served here are made its own; another site's keep their Origin, and
// are refused there.
const target = 'http://localhost:8080';

export default {
  '/api': {
    target,
    configure: (proxy) =>
      proxy.on('proxyReq', (call, request) => {
        if (request.headers.origin === `http://${request.headers.host}`) call.setHeader('origin', target);
      }),
  },
};
