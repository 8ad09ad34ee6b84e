using System.Globalization;

using ZeroOS.Cli.Sessions;

namespace ZeroOS.Cli.Verbs;

/// <summary>One port of zos forward.</summary>
/// <param name="Local">Of this computer; 0: any that is free.</param>
/// <param name="Remote">Of the machine.</param>
internal sealed record ForwardPort(int Local, int Remote)
{
    private const int Highest = ushort.MaxValue;

    /// <summary>Reads them as one types them.</summary>
    /// <exception cref="CliException">One is none, or a local one is there twice.</exception>
    public static IReadOnlyList<ForwardPort> ParseAll(IEnumerable<string> words)
    {
        ForwardPort[] ports = [.. words.Select(Parse)];
        if (ports.Where(p => p.Local != 0).CountBy(p => p.Local).FirstOrDefault(c => c.Value > 1) is { Value: > 1 } twice)
            throw new CliException($"local port {twice.Key} is there twice", CliException.Usage);
        return ports;
    }

    private static ForwardPort Parse(string word)
    {
        string[] parts = word.Split(':');
        if (parts.Length <= 2 && Number(parts[^1]) is int remote and > 0 && (parts.Length == 1 ? remote : Number(parts[0])) is int local)
            return new ForwardPort(local, remote);
        throw new CliException($"\"{word}\" is no port; say PORT or LOCAL:PORT, each from 1 to {Highest}, or LOCAL 0 for any that is free", CliException.Usage);
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= Highest ? number : null;
}
