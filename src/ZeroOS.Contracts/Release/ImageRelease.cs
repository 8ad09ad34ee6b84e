using System.Globalization;

namespace ZeroOS.Contracts.Release;

/// <summary>What the running image says of itself, in the file /release that the image's builder wrote: three lines.</summary>
/// <param name="Digest">Hash of its kernel and of everything else in its initramfs, "sha256:" and hex; "unknown" without the file.</param>
/// <param name="Made">The time of its sources; the clock is never before that.</param>
/// <param name="Version">Its version, three numbers.</param>
public sealed record ImageRelease(string Digest, DateTimeOffset Made, Version Version)
{
    private const string Path = "/release";

    /// <summary>That of the image this process came from.</summary>
    public static ImageRelease Current { get; } = Parse(File.Exists(Path) ? File.ReadAllLines(Path) : []);

    /// <summary>Reads the lines; what is missing has a value that says so.</summary>
    public static ImageRelease Parse(IReadOnlyList<string> lines) => new(
        lines.Count > 0 ? lines[0] : "unknown",
        lines.Count > 1 && DateTimeOffset.TryParse(lines[1], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset made)
            ? made
            : DateTimeOffset.UnixEpoch,
        lines.Count > 2 && Version.TryParse(lines[2], out Version? version) ? version : typeof(ImageRelease).Assembly.GetName().Version!);
}
