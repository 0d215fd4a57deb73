/**
 * The HTTP API: what of the application can be seen and asked for over HTTP. It is a client of the
 * topics, not a second truth: what changes anything is a record, acknowledged before the answer;
 * what is shown comes from the topics or from the catalog of this process. Decides nothing itself.
 */
package io.hyperstream.app.http;
