// The viewer asks nobody else: no validator, no other descriptions.
window.SwaggerUIBundle({
  url: '../openapi.yml',
  dom_id: '#api',
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
