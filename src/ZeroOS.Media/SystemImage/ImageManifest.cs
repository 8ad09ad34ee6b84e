namespace ZeroOS.Media.SystemImage;

/// <summary>One line of an image manifest.</summary>
/// <param name="Path">Absolute path in the archive.</param>
/// <param name="Permissions">Low 12 bits of the mode.</param>
/// <param name="Source">dir, char:MAJOR:MINOR, repo:FILE, cpio:MANIFEST, or a file among the built parts.</param>
public sealed record ManifestEntry(string Path, int Permissions, string Source);

/// <summary>A list of everything an initramfs holds: image/manifest explains the form.</summary>
public static class ImageManifest
{
    /// <summary>Reads the entries in order.</summary>
    /// <exception cref="InvalidDataException">A line that is not one, named with its number; a path twice; a file whose directory is not listed before
    /// it.</exception>
    public static IReadOnlyList<ManifestEntry> Parse(string text, string fileName)
    {
        List<ManifestEntry> entries = [];
        HashSet<string> directories = ["/"];
        HashSet<string> seen = [];
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            string[] words = line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            if (words.Length != 3 || !words[0].StartsWith('/') || !TryMode(words[1], out int mode))
                throw new InvalidDataException($"{fileName}:{number}: expected \"/path mode source\", found \"{line.Trim()}\"");
            string parent = words[0][..Math.Max(words[0].LastIndexOf('/'), 1)];
            if (!seen.Add(words[0]))
                throw new InvalidDataException($"{fileName}:{number}: {words[0]} is listed twice");
            if (!directories.Contains(parent))
                throw new InvalidDataException($"{fileName}:{number}: the directory {parent} of {words[0]} is not listed before it");
            if (words[2] == "dir")
                directories.Add(words[0]);
            entries.Add(new ManifestEntry(words[0], mode, words[2]));
        }
        return entries;
    }

    private static bool TryMode(string text, out int mode)
    {
        mode = 0;
        if (text.Length != 4 || text.Any(c => c is < '0' or > '7'))
            return false;
        mode = Convert.ToInt32(text, 8);
        return true;
    }
}
