/**
 * Labels in, better versions of a task out. Here is everything between the two: the topology, the
 * examples each task keeps, when a task is adapted, who decides about a new version, and the state
 * all of this survives in. Training comes in through {@code AdaptationTrainer} only; texts are
 * served elsewhere.
 *
 * <p>One stream task owns each text task, whatever the producers' partitioning: it is the only
 * writer of its versions and reports. Nothing that counts is in memory alone: labels, orders and
 * progress are in changelogged stores, a training run is not, and is simply started again.
 */
package io.hyperstream.app.adaptation;
