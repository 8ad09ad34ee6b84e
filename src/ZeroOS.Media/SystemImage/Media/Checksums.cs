using System.Security.Cryptography;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>SHA256SUMS: a line for every file of an image, as sha256sum writes and checks it.</summary>
internal static class Checksums
{
    public const string FileName = "SHA256SUMS";

    private const int MaxBytes = 1 << 20;

    /// <summary>Hashes everything that is in the folder and belongs to the image, and writes the list; the answer is the list.</summary>
    public static IReadOnlyList<ImageFile> Write(string folder, IEnumerable<string> names)
    {
        IReadOnlyList<ImageFile> files = [.. names.Order(StringComparer.Ordinal).Select(n => Of(folder, n))];
        File.WriteAllText(Path.Combine(folder, FileName), string.Concat(files.Select(f => $"{f.Sha256}  {f.File}\n")));
        return files;
    }

    /// <summary>The list of a folder, each file hashed and found as listed.</summary>
    /// <exception cref="MediaException">There is no list, or a file is missing or another.</exception>
    public static IReadOnlyList<ImageFile> Verify(string folder)
    {
        string list = Path.Combine(folder, FileName);
        if (!File.Exists(list))
            throw new MediaException($"{folder} is no image as \"make image\" writes it: it has no {FileName}");
        if (new FileInfo(list).Length > MaxBytes)
            throw new MediaException($"{list} is longer than {MaxBytes} bytes");
        List<ImageFile> files = [];
        foreach (string line in File.ReadLines(list).Where(l => l.Length > 0))
        {
            string[] words = line.Split("  ", 2);
            // A name is one that was written here: in this folder or below, without a way out.
            if (words.Length != 2 || words[0].Length != 64 || words[1].StartsWith('/') || words[1].Split('/').Any(p => p is "" or "." or ".."))
                throw new MediaException($"{list}: \"{line}\" is not a hash and a file of the folder");
            if (!File.Exists(Path.Combine(folder, words[1])))
                throw new MediaException($"{list} names {words[1]}, which is not there; get the image again");
            ImageFile file = Of(folder, words[1]);
            if (!file.Sha256.Equals(words[0], StringComparison.OrdinalIgnoreCase))
                throw new MediaException($"{Path.Combine(folder, words[1])} is not the file that {FileName} names: damaged or changed; get the image again");
            files.Add(file);
        }
        return files;
    }

    private static ImageFile Of(string folder, string name)
    {
        using FileStream file = File.OpenRead(Path.Combine(folder, name));
        return new ImageFile(name, file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }
}
