using System.Text.RegularExpressions;

namespace ZeroOS.Tests.Repository;

/// <summary>
/// Which folder of a project uses which other: a file uses a folder when it names a type that the folder declares and whose namespace it can see. Read from the
/// text, without a compiler: comments and literals do not count, and neither does a name behind a dot.
/// </summary>
internal static partial class FolderGraph
{
    /// <summary>What the files directly in the project's folder are filed under.</summary>
    public const string Root = "(root)";

    /// <summary>The arrows of one project, each with one example: "file names type".</summary>
    public static Dictionary<(string From, string To), string> Of(string project)
    {
        List<SourceFile> files = [.. SourceFiles(project).Select(f => SourceFile.Read(project, f))];
        ILookup<string, SourceFile> declared = files.SelectMany(f => f.Types.Select(t => (Type: t, File: f))).ToLookup(p => p.Type, p => p.File);
        Dictionary<(string, string), string> arrows = [];
        foreach (SourceFile file in files)
        {
            foreach (string word in file.Words)
            {
                foreach (SourceFile target in declared[word].Where(t => t.Folder != file.Folder && file.Sees(t.Namespace)))
                    arrows.TryAdd((file.Folder, target.Folder), $"{file.Name} names {word}");
            }
        }
        return arrows;
    }

    /// <summary>The source files of a project.</summary>
    public static IEnumerable<string> SourceFiles(string project) => Directory.EnumerateFiles(Folder(project), "*.cs", SearchOption.AllDirectories);

    private static string Folder(string project) => Path.Combine(Checkout.Root, "src", "ZeroOS." + project);

    /// <summary>What the graph has to know of a file.</summary>
    private sealed record SourceFile(string Name, string Folder, string Namespace, HashSet<string> Usings, HashSet<string> Words, IReadOnlyList<string> Types)
    {
        public static SourceFile Read(string project, string path)
        {
            string text = Literals().Replace(Comments().Replace(File.ReadAllText(path), ""), "\"\"");
            string[] parts = Path.GetRelativePath(FolderGraph.Folder(project), path).Split('/');
            return new SourceFile(parts[^1], parts.Length > 1 ? parts[0] : Root, Namespaces().Match(text).Groups[1].Value, Matches(UsingLines(), text),
                Matches(TypeNames(), text), [.. Matches(Declarations(), text)]);
        }

        /// <summary>Whether types of a namespace need no more than their name here.</summary>
        public bool Sees(string other) => Namespace == other || Namespace.StartsWith(other + ".", StringComparison.Ordinal) || Usings.Contains(other);

        private static HashSet<string> Matches(Regex regex, string text) => [.. regex.Matches(text).Select(m => m.Groups[1].Value)];
    }

    [GeneratedRegex("//.*|/\\*.*?\\*/", RegexOptions.None)]
    private static partial Regex Comments();

    [GeneratedRegex("\"\"\".*?\"\"\"|\"(?:[^\"\\\\\n]|\\\\.)*\"", RegexOptions.Singleline)]
    private static partial Regex Literals();

    [GeneratedRegex("^namespace ([\\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespaces();

    [GeneratedRegex("^using (?:static )?([\\w.]+);", RegexOptions.Multiline)]
    private static partial Regex UsingLines();

    [GeneratedRegex("(?<![.\\w])([A-Z]\\w*)")]
    private static partial Regex TypeNames();

    [GeneratedRegex("^(?:public|internal) (?:[a-z]+ )*?(?:class|struct|interface|enum|record struct|record) (\\w+)", RegexOptions.Multiline)]
    private static partial Regex Declarations();
}
