/**
 * Reads labels, publishes better versions of a task. Contains the topology, the examples each task
 * keeps, when a task is adapted, how a new version is evaluated, and the state that survives a
 * restart. Training comes in through {@code AdaptationTrainer} only; texts are served elsewhere.
 *
 * <p>One stream task owns each text task, whatever the producers' partitioning: it is the only
 * writer of its versions and reports. Labels, commands and progress are in changelogged stores. A
 * training run is in memory only and is started again after a restart.
 */
package io.hyperstream.app.adaptation;
