using ZeroOS.Linux.Netlink;

namespace ZeroOS.Vmm.Control;

/// <summary>The Ethernet address of a card as the configuration writes it, "02:00:00:00:00:01".</summary>
internal static class CardAddress
{
    private const byte Group = 1;

    /// <summary>Six bytes of a unicast address.</summary>
    public static bool TryParse(string text, out byte[] address)
    {
        address = [];
        try
        {
            address = MacAddress.Parse(text).ToBytes();
            return text.Length == 17 && (address[0] & Group) == 0;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
