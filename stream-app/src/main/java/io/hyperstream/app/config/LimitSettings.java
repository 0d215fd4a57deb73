package io.hyperstream.app.config;

import io.micronaut.context.annotation.ConfigurationProperties;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;

/**
 * {@code hyperstream.limits}: how large a request may be; larger ones become dead letters.
 *
 * @param maxRequestBytes of a record's value
 * @param maxTextChars of text and second text together
 * @param maxAttributes entries
 * @param maxAttributeChars of all their names and values
 * @param maxHeaderBytes of headers that travel on
 */
@ConfigurationProperties("hyperstream.limits")
public record LimitSettings(
    @Min(1024) @Max(64 * 1024 * 1024) int maxRequestBytes,
    @Min(1) int maxTextChars,
    @Min(0) int maxAttributes,
    @Min(0) int maxAttributeChars,
    @Min(0) @Max(48 * 1024) int maxHeaderBytes) {}
