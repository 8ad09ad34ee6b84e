using System.Security.Cryptography;

namespace ZeroOS.Tests.Formats.Tpm;

/// <summary>
/// What went between us and a TPM, as hexadecimal lines, command and answer in turn: written down once against swtpm, played back everywhere.
/// </summary>
internal sealed class TpmRecord
{
    private readonly List<(byte[] Command, byte[] Answer)> _exchanges = [];
    private int _next;
    private uint _drawn;

    /// <summary>All answers: what the mutation test changes.</summary>
    public IReadOnlyList<(byte[] Command, byte[] Answer)> Exchanges => _exchanges;

    public static TpmRecord Load(string path)
    {
        TpmRecord record = new();
        string[] lines = File.ReadAllLines(path);
        for (int i = 0; i + 1 < lines.Length; i += 2)
            record._exchanges.Add((Convert.FromHexString(lines[i]), Convert.FromHexString(lines[i + 1])));
        return record;
    }

    public void Save(string path) =>
        File.WriteAllLines(path, _exchanges.SelectMany(e => new[] { Convert.ToHexStringLower(e.Command), Convert.ToHexStringLower(e.Answer) }));

    /// <summary>"Random" bytes that are the same each time, so that nonces and salts are too.</summary>
    public byte[] Draw(int count) =>
        Enumerable.Range(0, (count + 31) / 32).SelectMany(_ => SHA256.HashData(BitConverter.GetBytes(_drawn++))).Take(count).ToArray();

    /// <summary>Passes commands on and keeps them with their answers.</summary>
    public Func<byte[], byte[]> Recording(Func<byte[], byte[]> exchange) => command =>
    {
        byte[] answer = exchange(command);
        _exchanges.Add((command, answer));
        return answer;
    };

    /// <summary>Answers as recorded; another command than the recorded one fails the test.</summary>
    public byte[] Replay(byte[] command)
    {
        (byte[] expected, byte[] answer) = _exchanges[_next++];
        Assert.Equal(Convert.ToHexStringLower(expected), Convert.ToHexStringLower(command));
        return answer;
    }

    /// <summary>As <see cref="Replay"/>, whatever the command; the answer of one exchange is another.</summary>
    public byte[] ReplayWith(int changed, byte[] other) =>
        _next++ is var now && now == changed ? other : _exchanges[Math.Min(now, _exchanges.Count - 1)].Answer;

    public TpmRecord Rewound()
    {
        TpmRecord record = new();
        record._exchanges.AddRange(_exchanges);
        return record;
    }
}
