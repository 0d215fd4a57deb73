/**
 * What a deployment chooses: one validated record per section of {@code hyperstream.*}. The
 * defaults and the explanation of every key are in {@code application.yml} and nowhere else. No
 * behaviour lives here.
 */
package io.hyperstream.app.config;
