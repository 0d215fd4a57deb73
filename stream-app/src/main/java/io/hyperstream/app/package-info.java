/**
 * Starting and stopping the application as a whole: the Micronaut context, its HTTP server and the
 * inference in it. What is embedded (broker, registry) starts before it and stops after it.
 */
package io.hyperstream.app;
