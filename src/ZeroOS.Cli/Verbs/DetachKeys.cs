using System.Buffers;
using System.CommandLine;

using ZeroOS.Cli.Sessions;

namespace ZeroOS.Cli.Verbs;

/// <summary>
/// The keys by which a person at a terminal leaves a program without ending it, found in what is typed. What may be the beginning of them waits for the next
/// key, and goes to the program when that is another. For one reader.
/// </summary>
/// <param name="keys">The bytes that they send; none: nobody leaves.</param>
internal sealed class DetachKeys(byte[] keys)
{
    private const string Usual = "ctrl-p,ctrl-q", Control = "ctrl-";
    private const int MaxKeys = 16;

    private readonly ArrayBufferWriter<byte> _passed = new();
    private int _matched;

    /// <summary>The option by which a person chooses them; empty: there are none.</summary>
    public static Option<string> Option() => new("--detach-keys")
    {
        HelpName = "KEYS",
        DefaultValueFactory = _ => Usual,
        Description = "leave the program by these keys of the terminal: characters and ctrl-LETTER, with commas between; empty: none",
    };

    /// <summary>Reads Docker's form: "ctrl-p,ctrl-q", "ctrl-]", "a".</summary>
    /// <exception cref="CliException">It is no such form.</exception>
    public static DetachKeys Parse(string text)
    {
        string[] names = text.Length == 0 ? [] : text.Split(',');
        if (names.Length > MaxKeys)
            throw new CliException($"--detach-keys has {names.Length} keys, and at most {MaxKeys} can be", CliException.Usage);
        return new DetachKeys([.. names.Select(n => KeyOf(n) ?? throw new CliException(
            $"--detach-keys {text}: \"{n}\" is no key; a key is a character, or ctrl- and a letter or one of @ [ \\ ] ^ _", CliException.Usage))]);
    }

    /// <summary>
    /// Takes what was typed and returns what of it, and of what waited, is the program's; it is valid until the next call. <paramref name="left"/>: the keys
    /// were among it, and nothing behind them counts.
    /// </summary>
    public ReadOnlyMemory<byte> Pass(ReadOnlySpan<byte> typed, out bool left)
    {
        _passed.ResetWrittenCount();
        left = false;
        foreach (byte key in typed)
        {
            // What waits is always the beginning of the keys, so it need not be kept: with another key its first ones go on until the rest is one again.
            while (_matched > 0 && keys[_matched] != key)
                GoOn();
            if (keys.Length > 0 && keys[_matched] == key)
                _matched++;
            else
                _passed.Write([key]);
            left = keys.Length > 0 && _matched == keys.Length;
            if (left)
                break;
        }
        return _passed.WrittenMemory;
    }

    // The longest rest of what waits that is a beginning of the keys waits on.
    private void GoOn()
    {
        int rest = _matched - 1;
        while (!keys.AsSpan(_matched - rest, rest).SequenceEqual(keys.AsSpan(0, rest)))
            rest--;
        _passed.Write(keys.AsSpan(0, _matched - rest));
        _matched = rest;
    }

    private static byte? KeyOf(string name)
    {
        if (name.Length == 1 && name[0] is > ' ' and <= '~')
            return (byte)name[0];
        if (name.Length != Control.Length + 1 || !name.StartsWith(Control, StringComparison.OrdinalIgnoreCase))
            return null;
        char letter = char.ToUpperInvariant(name[^1]);
        return letter is >= '@' and <= '_' ? (byte)(letter - '@') : null;
    }
}
