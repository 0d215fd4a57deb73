/**
 * What the roles of a process share: the life cycle of a role, one run of Kafka Streams under it
 * (stable transactional ids, group protocol, failed threads, closing within limits), and the small
 * things every topology needs (event times, headers that travel, dead letters, waiting for the
 * registry). Knows topics and settings; neither models nor tasks.
 */
package io.hyperstream.app.streams;
