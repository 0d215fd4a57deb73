/**
 * Server-sent events: bounded streams of what happens, for people who watch. Whoever reads too
 * slowly misses events and is told how many; nothing that answers requests ever waits for it.
 */
package io.hyperstream.app.http.events;
