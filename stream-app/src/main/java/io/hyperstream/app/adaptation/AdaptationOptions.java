package io.hyperstream.app.adaptation;

import io.hyperstream.schemas.AdaptationPolicy;
import java.time.Duration;

/**
 * What a deployment chooses about adaptation. Immutable.
 *
 * @param partitions of the internal topics, and so how many stream tasks share the work; never
 *     changed while state exists
 * @param labelsByRequest whether labels may name an earlier request instead of a text; costs a copy
 *     of every request
 * @param labelGrace how long a label or command waits for a definition that is on its way on
 *     another topic
 * @param requestPatience how long a label waits for the request it names
 * @param maxWaiting labels and commands that wait, per partition, at most
 * @param maxRequests requests remembered per partition, at most; the oldest are evicted
 * @param maxRequestBytes of the remembered requests per partition, at most
 * @param maxTaskBytes of one task's examples with their vectors, at most
 * @param maxRecordBytes of a label or command; larger ones become dead letters
 * @param maxTextChars of text and second text together
 * @param policy of tasks whose definition has none
 */
public record AdaptationOptions(
    int partitions,
    boolean labelsByRequest,
    Duration labelGrace,
    Duration requestPatience,
    int maxWaiting,
    int maxRequests,
    long maxRequestBytes,
    long maxTaskBytes,
    int maxRecordBytes,
    int maxTextChars,
    AdaptationPolicy policy) {}
