/**
 * The topics as the HTTP API sees them: a bounded view read in the background, and a writer whose
 * records are acknowledged before it returns. Nothing here is kept that is not in a topic.
 */
package io.hyperstream.app.http.topics;
