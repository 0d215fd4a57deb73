/**
 * Server-sent events: bounded streams of what happens, for people who watch. A client that reads
 * too slowly misses events and is told how many; answering requests never waits for it.
 */
package io.hyperstream.app.http.events;
