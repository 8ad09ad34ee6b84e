using System.Text;

using ZeroOS.Docker.Creation;
using ZeroOS.Docker.Nouns;
using ZeroOS.Tests.Repository;

namespace ZeroOS.Tests.Docker;

/// <summary>The tables of docs/docker.md are those of the code; ZEROOS_WRITE_DOCKER=1 writes them.</summary>
public sealed class DockerDocumentTests
{
    [Fact]
    public void Tables_are_those_of_the_code()
    {
        string path = Path.Combine(Checkout.Root, "docs", "docker.md"), text = File.ReadAllText(path);
        string wanted = Put(Put(text, "fields", FieldTable()), "endpoints", EndpointTable());
        if (Environment.GetEnvironmentVariable("ZEROOS_WRITE_DOCKER") == "1")
            File.WriteAllText(path, wanted);
        else
            Assert.Equal(wanted, text);
    }

    private static string FieldTable() => Table("| field | rule | |\n|---|---|---|\n",
        Fields.All.Select(f => $"| {f.Name} | {f.Rule.ToString().ToLowerInvariant()} | {f.Says}{Harmless(f)} |"));

    private static string Harmless(Field field) => field.Harmless.Where(h => h.Length > 0).ToArray() is { Length: > 0 } values
        ? $"; not {string.Join(", ", values.Select(v => $"`{v}`"))}" : "";

    private static string EndpointTable() => Table("| endpoint | | |\n|---|---|---|\n",
        Endpoints.All.Select(e => $"| {e.Method} {e.Pattern} | {(e.IsServed ? "yes" : $"{e.Refusal}")} | {e.Says} |"));

    private static string Table(string head, IEnumerable<string> rows) =>
        rows.Aggregate(new StringBuilder(head), (all, row) => all.Append(row).Append('\n')).ToString();

    private static string Put(string text, string name, string table)
    {
        string begin = $"<!-- {name} -->\n", end = "<!-- end -->";
        int from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return text[..from] + table + text[text.IndexOf(end, from, StringComparison.Ordinal)..];
    }
}
