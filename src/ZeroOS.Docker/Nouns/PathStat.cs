using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Docker.Json;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Docker.Nouns;

/// <summary>What is at a path of a container, in the words of Docker's header.</summary>
/// <param name="Name">The path's last name.</param>
/// <param name="Entry">What is there.</param>
internal sealed record PathStat(string Name, TarEntry Entry)
{
    /// <summary>The header of an answer that says it.</summary>
    public const string HeaderName = "X-Docker-Container-Path-Stat";

    // Of Go's FileMode, whose bits above the permissions are not those of Unix.
    private const uint Directory = 1u << 31, SymbolicLink = 1u << 27, Pipe = 1u << 25, SetUser = 1u << 23, SetGroup = 1u << 22, Sticky = 1u << 20;
    private const int UnixSetUser = 0x800, UnixSetGroup = 0x400, UnixSticky = 0x200, Permissions = 0x1FF;

    /// <summary>The header's value: JSON, base64.</summary>
    public string Header => Convert.ToBase64String(Words.Bytes(new JsonObject
    {
        ["name"] = Name,
        ["size"] = Entry.Size,
        ["mode"] = Mode,
        ["mtime"] = Words.Time(DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(Entry.MtimeSeconds, 0, uint.MaxValue))),
        ["linkTarget"] = Utf8(Entry.LinkTarget),
    }));

    private uint Mode => (uint)(Entry.Mode & Permissions) | Entry.Type switch
    {
        TarEntryType.Directory => Directory,
        TarEntryType.SymbolicLink => SymbolicLink,
        TarEntryType.Fifo => Pipe,
        _ => 0,
    }
    | ((Entry.Mode & UnixSetUser) != 0 ? SetUser : 0) | ((Entry.Mode & UnixSetGroup) != 0 ? SetGroup : 0) | ((Entry.Mode & UnixSticky) != 0 ? Sticky : 0);

    /// <summary>Of the first entry of an archive of the path.</summary>
    public static PathStat Of(TarEntry entry, string path)
    {
        string plain = path.TrimEnd('/');
        return new PathStat(plain.Length == 0 ? "/" : plain[(plain.LastIndexOf('/') + 1)..], entry);
    }

    // Names in an archive are bytes, one a character.
    private static string Utf8(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));
}
