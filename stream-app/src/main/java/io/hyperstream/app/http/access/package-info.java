/**
 * Who may call what: roles, keys, and what is refused before anyone asks who is calling. Knows
 * nothing of what the API does.
 */
package io.hyperstream.app.http.access;
