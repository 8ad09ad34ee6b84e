using System.Diagnostics.CodeAnalysis;
using System.Globalization;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Keys;

namespace ZeroOS.Bus.Release;

/// <summary>
/// Who makes releases: /keys/release of a running image. Lines of text: <c>threshold M</c>, then key ids, one a line; '#' begins a comment. No key at all: the
/// image takes no updates.
/// </summary>
public sealed class ReleaseKeys
{
    /// <summary>Where a node finds the file of the image it runs.</summary>
    public const string Path = "/keys/release";

    private ReleaseKeys(IReadOnlyList<KeyId> keys, int threshold) => (Keys, Threshold) = (keys, threshold);

    /// <summary>The keys, each once.</summary>
    public IReadOnlyList<KeyId> Keys { get; }

    /// <summary>How many of them must have signed; 0 when there are none.</summary>
    public int Threshold { get; }

    /// <summary>Reads such a file. Never throws; the fault is a sentence.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ReleaseKeys? keys, [NotNullWhen(false)] out string? fault)
    {
        keys = null;
        List<KeyId> found = [];
        int? threshold = null;
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            string[] words = line.Split('#')[0].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            fault = words switch
            {
                [] => null,
                ["threshold", string m] when threshold is null && int.TryParse(m, NumberStyles.None, CultureInfo.InvariantCulture, out int value) =>
                    Set(ref threshold, value),
                [string id] when KeyId.TryParse(id, out KeyId? key) => found.Contains(key) ? "the key is listed twice" : Add(found, key),
                _ => "neither \"threshold M\" (once) nor a key id",
            };
            if (fault is not null)
            {
                fault = string.Create(CultureInfo.InvariantCulture, $"release keys, line {number}: {fault}");
                return false;
            }
        }
        fault = found.Count > Envelope.MaxSignatures ? $"release keys: more than {Envelope.MaxSignatures}"
            : found.Count == 0 && threshold is null ? null
            : threshold is null ? "release keys: no line says \"threshold M\""
            : threshold < 1 || threshold > found.Count ? "release keys: the threshold is between 1 and the number of keys"
            : null;
        if (fault is not null)
            return false;
        keys = new ReleaseKeys(found, threshold ?? 0);
        return true;
    }

    private static string? Set(ref int? place, int value)
    {
        place = value;
        return null;
    }

    private static string? Add(List<KeyId> found, KeyId key)
    {
        found.Add(key);
        return null;
    }
}
