using System.Globalization;

namespace ZeroOS.Formats.Tpm;

/// <summary>Response codes taken apart (Part 2, 6.6): format one carries the number of the parameter, session or handle at fault.</summary>
public static class TpmResponseCodes
{
    private const uint FormatOne = 0x080, IsParameter = 0x040, FormatOneError = 0x0BF, IsSession = 0x800;

    /// <summary>The error without the number.</summary>
    public static TpmError ErrorOf(uint responseCode) => (TpmError)((responseCode & FormatOne) != 0 ? responseCode & FormatOneError : responseCode);

    /// <summary>For people: the name, what is at fault, and the number as it came.</summary>
    public static string Describe(uint responseCode)
    {
        TpmError error = ErrorOf(responseCode);
        string name = Enum.IsDefined(error) ? error.ToString() : "an error without a name";
        uint number = (responseCode >> 8) & 0xF;
        string at = (responseCode & FormatOne) == 0 ? ""
            : (responseCode & IsParameter) != 0 ? $" of parameter {number}"
            : (responseCode & IsSession) != 0 ? $" of session {number & 7}"
            : $" of handle {number & 7}";
        return string.Create(CultureInfo.InvariantCulture, $"{name}{at} (0x{responseCode:x3})");
    }
}
