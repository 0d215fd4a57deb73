/**
 * The dashboard in a real browser, in front of a whole application with the demo's tasks. Skipped
 * where no Chromium is installed, unless {@code HYPERSTREAM_BROWSER} is {@code required}.
 */
package io.hyperstream.app.dashboard;
