/**
 * The HTTP API. It is a client of the topics and keeps no state of its own: every change is a
 * record, acknowledged before the answer; what is shown comes from the topics or from the catalog
 * of this process. Decides nothing itself.
 */
package io.hyperstream.app.http;
