/**
 * What must hold when things break: the real application as a child process, killed and terminated
 * under load, and clients that know nothing of this code. Only what a user sees from outside is
 * used and checked here: topics, the registry, processes; no class of the application's inside.
 */
package io.hyperstream.app.faults;
