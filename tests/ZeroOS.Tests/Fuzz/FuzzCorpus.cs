using System.Security.Cryptography;

using ZeroOS.Tests.Repository;

namespace ZeroOS.Tests.Fuzz;

/// <summary>
/// Inputs that found something once, a folder for each entry, a file named by its hash for each input. They are played again with every test.
/// </summary>
public sealed class FuzzCorpus(string folder)
{
    /// <summary>The one in the repository.</summary>
    public static FuzzCorpus Kept => new(Path.Combine(Checkout.Root, "tests/ZeroOS.Fuzz/Corpus"));

    /// <summary>The files of one entry, in order.</summary>
    public IEnumerable<string> Files(FuzzEntry entry) =>
        Directory.Exists(FolderOf(entry)) ? Directory.EnumerateFiles(FolderOf(entry)).Order(StringComparer.Ordinal) : [];

    /// <summary>Keeps an input; returns its file.</summary>
    public string Add(FuzzEntry entry, byte[] input)
    {
        Directory.CreateDirectory(FolderOf(entry));
        string file = Path.Combine(FolderOf(entry), Convert.ToHexStringLower(SHA256.HashData(input))[..16]);
        File.WriteAllBytes(file, input);
        return file;
    }

    private string FolderOf(FuzzEntry entry) => Path.Combine(folder, entry.Name.Replace(' ', '-'));
}
