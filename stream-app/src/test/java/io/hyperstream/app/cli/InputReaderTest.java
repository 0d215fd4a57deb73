package io.hyperstream.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InputReaderTest {

  @Test
  @DisplayName("lines: one text per line, blank lines, CRLF, a byte order mark and no last newline")
  void lines() {
    List<InputRow> rows = read("a.txt", "\uFEFFfirst\r\n\n  \n{\"text\": 1}\tas it is\nlast 😀");

    assertThat(rows)
        .extracting(InputRow::text)
        .containsExactly("first", "{\"text\": 1}\tas it is", "last 😀");
    assertThat(rows).extracting(InputRow::where).containsExactly("a.txt:1", "a.txt:4", "a.txt:5");
  }

  @Test
  @DisplayName("JSONL: every field, chosen by the file's ending")
  void jsonl() {
    List<InputRow> rows =
        read(
            "a.jsonl",
            "{\"text\":\"food\",\"textPair\":\"Great soup.\",\"taskId\":\"t\",\"key\":\"k\","
                + "\"requestId\":\"r\",\"attributes\":{\"a\":\"b\"},\"label\":\"positive\"}\n"
                + "{\"text\":\"x\",\"textPair\":null}\n");

    InputRow first = rows.get(0);
    assertThat(first.textPair()).contains("Great soup.");
    assertThat(first.taskId()).contains("t");
    assertThat(first.key()).contains("k");
    assertThat(first.requestId()).contains("r");
    assertThat(first.attributes()).isEqualTo(Map.of("a", "b"));
    assertThat(rows.get(1).textPair()).isEmpty();
  }

  @Test
  @DisplayName("TSV without a header is text and pair; a header line names the columns")
  void tsv() {
    assertThat(read("a.tsv", "food\tGreat soup.\nplain\n"))
        .extracting(InputRow::textPair)
        .containsExactly(Optional.of("Great soup."), Optional.empty());
    List<InputRow> named = read("a.tsv", "taskId\ttext\ttextPair\tlabel\nt1\thello\t\tgreeting\n");
    assertThat(named).hasSize(1);
    assertThat(named.get(0).taskId()).contains("t1");
    assertThat(named.get(0).text()).isEqualTo("hello");
    assertThat(named.get(0).textPair()).isEmpty();
  }

  @Test
  @DisplayName("labels as TSV: the last of two or three columns, or named by a header line")
  void labelColumns() {
    assertThat(readLabels("a.tsv", "hello\tgreeting\nbye\tclosing\n"))
        .extracting(InputRow::label)
        .containsExactly(Optional.of("greeting"), Optional.of("closing"));
    InputRow pair = readLabels("-", "food\tGreat soup.\tpositive\n").get(0);
    assertThat(pair.textPair()).contains("Great soup.");
    assertThat(pair.label()).contains("positive");
    InputRow named = readLabels("a.tsv", "label\ttaskId\ttext\ngreeting\tt\thello\n").get(0);
    assertThat(named.text()).isEqualTo("hello");
    assertThat(named.taskId()).contains("t");
    assertThat(named.label()).contains("greeting");
    assertThatThrownBy(() -> readLabels("a.tsv", "a\tb\nc\td\te\n"))
        .hasMessageStartingWith("a.tsv:2: the row has 3 columns");
  }

  @Test
  @DisplayName("a label may name an earlier request instead of a text, a request may not")
  void labelOfRequest() {
    InputRow json = readLabels("a.jsonl", "{\"requestId\":\"r1\",\"label\":\"a\"}").get(0);
    assertThat(json.text()).isEmpty();
    assertThat(json.requestId()).contains("r1");
    assertThat(readLabels("a.tsv", "requestId\tlabel\nr2\tb\n").get(0).requestId()).contains("r2");
    assertThatThrownBy(() -> read("a.jsonl", "{\"requestId\":\"r1\",\"label\":\"a\"}"))
        .hasMessageContaining("the row has no text");
  }

  @ParameterizedTest(name = "{1}")
  @DisplayName("a bad row is named by file and line, with what was expected")
  @CsvSource(
      delimiter = '|',
      value = {
        "b.jsonl | {'text' 5} | not JSON",
        "b.jsonl | {'txt': 'a'} | unknown field 'txt'",
        "b.jsonl | {'text': 5} | 'text' must be a string, got a number",
        "b.jsonl | {'textPair': 'a'} | the row has no text",
        "b.jsonl | ['a'] | expected a JSON object like {\"text\": \"...\"}, got a list",
        "b.jsonl | {'text':'a','text':'b'} | the field 'text' is there twice",
        "b.jsonl | {'text':'a'} {'text':'b'} | something follows the first value; JSON Lines",
        "b.jsonl | {'text':'a' | it is not JSON: it ends too early; JSON Lines",
        "b.jsonl | {'text':'a','attributes':{'x':1}} | attribute 'x' must be a string",
        "b.tsv | a~b~c | has 3 columns",
        "b.tsv | text~txt2 | unknown column 'txt2'",
        "b.tsv | text~text | the column 'text' is there twice",
        "b.txt | one^two | a carriage return within the line",
        "b.txt | one_two | a NUL byte"
      })
  void badRows(String file, String line, String message) {
    String content =
        "\n" + line.replace('\'', '"').replace('~', '\t').replace('^', '\r').replace('_', '\0');

    assertThatThrownBy(() -> read(file, content))
        .isInstanceOf(InputRow.BadRowException.class)
        .hasMessageStartingWith(file + ":2: ")
        .hasMessageContaining(message);
  }

  @Test
  @DisplayName("a line over the limit is refused without reading it into memory; reading goes on")
  void longLine() throws IOException {
    byte[] input = ("x".repeat(40) + "\nnext\n").getBytes(StandardCharsets.UTF_8);
    try (LineReader lines = new LineReader("c.txt", new ByteArrayInputStream(input), 16)) {
      assertThatThrownBy(lines::next).hasMessageContaining("c.txt:1: the line is longer than 16");
      assertThat(lines.next()).isEqualTo("next");
      assertThat(lines.next()).isNull();
    }
  }

  @Test
  @DisplayName("bytes that are not UTF-8 are refused by line")
  void notUtf8() throws IOException {
    byte[] input = {'a', '\n', (byte) 0xc3, '(', '\n', 'b', '\n'};
    try (LineReader lines = new LineReader("d.txt", new ByteArrayInputStream(input))) {
      assertThat(lines.next()).isEqualTo("a");
      assertThatThrownBy(lines::next).hasMessageContaining("d.txt:2: the line is not UTF-8");
      assertThat(lines.next()).isEqualTo("b");
    }
  }

  @Test
  @DisplayName("standard input is lines unless a format is named")
  void formats() {
    assertThat(InputFormat.AUTO.forFile("-")).isEqualTo(InputFormat.LINES);
    assertThat(InputFormat.AUTO.forFile("X.JSONL")).isEqualTo(InputFormat.JSONL);
    assertThat(InputFormat.AUTO.forFile("x.json")).isEqualTo(InputFormat.JSONL);
    assertThatThrownBy(() -> InputFormat.AUTO.forFile("a/b.XLSX"))
        .hasMessageContaining("a/b.XLSX: a file of texts was expected", "--format");
    assertThat(InputFormat.TSV.forFile("x.jsonl")).isEqualTo(InputFormat.TSV);
  }

  @Test
  @DisplayName("CSV: quotes, commas, line ends and empty cells as RFC 4180 has them")
  void csv() {
    List<InputRow> rows =
        read(
            "a.csv",
            String.join(
                "\r\n",
                "\uFEFFtext,textPair,key",
                "\"Great screen, bad battery\",,1",
                "\"Nice \"\"quotes\"\" here\",\"two\nlines\",2",
                "",
                " an inch is 1\" , b ,3",
                ""));

    assertThat(rows)
        .extracting(InputRow::text)
        .containsExactly("Great screen, bad battery", "Nice \"quotes\" here", " an inch is 1\" ");
    assertThat(rows)
        .extracting(InputRow::textPair)
        .containsExactly(Optional.empty(), Optional.of("two\nlines"), Optional.of(" b "));
    assertThat(rows).extracting(InputRow::where).containsExactly("a.csv:2", "a.csv:3", "a.csv:6");
    assertThat(readLabels("a.csv", "label,text\ngreeting,hello\n").get(0).label())
        .contains("greeting");
    assertThat(read("a.csv", "text\rone\rtwo\r")).extracting(InputRow::text).hasSize(2);
    assertThat(read("a.csv", "")).isEmpty();
  }

  @Test
  @DisplayName("--column names the columns of CSV, TSV and JSONL; the others are left out")
  void chosenColumns() {
    Map<String, String> chosen = Map.of("text", "Review", "requestId", "id");
    for (Map.Entry<String, String> file :
        Map.of(
                "a.csv", "id,stars,Review\n7,5,\"good, cheap\"\n",
                "a.tsv", "id\tstars\tReview\n7\t5\tgood, cheap\n",
                "a.jsonl", "{\"id\":\"7\",\"stars\":5,\"Review\":\"good, cheap\"}\n")
            .entrySet()) {
      List<InputRow> rows =
          rows(InputReader.of(file.getKey(), bytes(file.getValue()), InputFormat.AUTO, chosen));
      assertThat(rows).as(file.getKey()).hasSize(1);
      assertThat(rows.get(0).text()).isEqualTo("good, cheap");
      assertThat(rows.get(0).requestId()).contains("7");
    }
  }

  @ParameterizedTest(name = "{0}: {1}")
  @DisplayName("a file that is not what it is read as is refused, and nothing behind it is read")
  @CsvSource(
      delimiter = '|',
      value = {
        "c.csv | id,text~1,a | unknown column 'id'; known are [taskId, text, textPair, requestId,"
            + " key, label]. Say which to read, such as --column text=text",
        "c.csv | text;label~a;b | columns of CSV are separated by commas",
        "c.csv | key,label~a,b | none is 'text'",
        "c.csv | text,text~a,b | the column 'text' is there twice",
        "c.csv | text~'a | not CSV",
        "c.csv | text~a_ | a NUL byte",
        "- | {'text': 'a'} | this looks like JSON, and nothing says so; say what it is: --format"
            + " JSONL",
        "c.txt | [~{'text': 'a'}] | this looks like JSON",
        "c.txt | [{'text': 'a'}] | this looks like JSON",
        "c.txt | {~'text': 'a'~} | this looks like JSON",
        "- | id,text~1,a | this looks like CSV",
        "- | 'text','label'~'a','b' | this looks like CSV",
        "c | text^textPair~a^b | this looks like TSV",
        "c.txt | PK\u0003\u0004zip | a zip archive",
        "c.csv | PK\u0003\u0004zip | a zip archive",
        "c.jsonl | %PDF-1.4 | a PDF"
      })
  void refusedFiles(String file, String content, String message) {
    String text =
        content.replace('\'', '"').replace('~', '\n').replace('^', '\t').replace('_', '\0');

    assertThatThrownBy(() -> read(file, text))
        .isInstanceOfSatisfying(
            InputRow.BadRowException.class, e -> assertThat(e.endsFile()).isTrue())
        .hasMessageStartingWith(file.equals("-") ? "(standard input)" : file)
        .hasMessageContaining(message);
  }

  @Test
  @DisplayName("labels in JSON or CSV are not taken for TSV")
  void guessedLabels() {
    assertThatThrownBy(() -> readLabels("-", "{\"text\":\"a\",\"label\":\"b\"}\n"))
        .hasMessageContaining("this looks like JSON");
    assertThatThrownBy(() -> readLabels("a.txt", "text,label\na,b\n"))
        .hasMessageContaining("this looks like CSV", "--format TSV");
  }

  @Test
  @DisplayName("UTF-16, with a byte order mark or without, is refused with how to convert it")
  void utf16() {
    for (Charset charset :
        List.of(StandardCharsets.UTF_16, StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE)) {
      assertThatThrownBy(
              () ->
                  rows(
                      InputReader.of(
                          "a.txt",
                          new ByteArrayInputStream("one\ntwo\n".getBytes(charset)),
                          InputFormat.AUTO,
                          Map.of())))
          .hasMessageContaining("iconv -f UTF-16");
    }
  }

  @Test
  @DisplayName("a format that was said is believed")
  void saidFormat() {
    assertThat(
            rows(
                InputReader.of("a.xml", bytes("{\"text\":1}\n<p>\n"), InputFormat.LINES, Map.of())))
        .extracting(InputRow::text)
        .containsExactly("{\"text\":1}", "<p>");
  }

  @Test
  @DisplayName("in CSV a quote that is never closed is refused in bounded memory")
  void openQuote() {
    assertThatThrownBy(() -> read("a.csv", "text\n\"" + "x".repeat(2 << 20) + "\n"))
        .hasMessage(
            "a.csv:2: a value is longer than 1048576 characters; perhaps a quote is not closed");
  }

  private static List<InputRow> read(String name, String content) {
    return rows(InputReader.of(name, bytes(content), InputFormat.AUTO, Map.of()));
  }

  private static List<InputRow> readLabels(String name, String content) {
    return rows(InputReader.ofLabels(name, bytes(content), InputFormat.AUTO, Map.of()));
  }

  private static ByteArrayInputStream bytes(String content) {
    return new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8));
  }

  private static List<InputRow> rows(InputReader rowsOfFile) {
    List<InputRow> rows = new ArrayList<>();
    try (InputReader reader = rowsOfFile) {
      for (Optional<InputRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        rows.add(row.get());
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return rows;
  }
}
