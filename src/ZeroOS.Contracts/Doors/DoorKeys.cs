using System.Text;

namespace ZeroOS.Contracts.Doors;

/// <summary>
/// The table of keys that have a role, as it travels: role (a byte), length of the key id (a byte), its text. Public ids; a door sorts by them and nothing
/// else.
/// </summary>
public static class DoorKeys
{
    private const int MaxEntryBytes = 2 + 64;

    /// <summary>The messages that carry a table, in order.</summary>
    public static IEnumerable<byte[]> Write(IEnumerable<KeyValuePair<string, byte>> keys)
    {
        List<byte> body = [];
        byte flags = DoorMessage.FirstFlag;
        foreach ((string key, byte role) in keys)
        {
            if (body.Count + MaxEntryBytes > DoorLimits.PieceBytes)
            {
                yield return new DoorMessage(DoorVerb.Keys, flags, 0).With([.. body]);
                flags = 0;
                body.Clear();
            }
            body.Add(role);
            body.Add((byte)key.Length);
            body.AddRange(Encoding.ASCII.GetBytes(key));
        }
        yield return new DoorMessage(DoorVerb.Keys, (byte)(flags | DoorMessage.LastFlag), 0).With([.. body]);
    }

    /// <summary>Adds the entries of one message; false when they have not their form.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, Dictionary<string, byte> into)
    {
        while (!body.IsEmpty)
        {
            if (body.Length < 2 || body.Length < 2 + body[1])
                return false;
            into[Encoding.ASCII.GetString(body.Slice(2, body[1]))] = body[0];
            body = body[(2 + body[1])..];
        }
        return true;
    }
}
